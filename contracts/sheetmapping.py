"""Mapping of a sheet's columns: what each may go to, what its name suggests, what was chosen for such a head before."""

import difflib
import re
from dataclasses import dataclass

from catalog.models import Offering
from contracts import celltext
from contracts.models import SheetImport
from crm import sitefile

DISCOUNT, REQUESTED, TERM = "discount", "requested_on", "term_months"
SITE_WORDS = {
    "code": "site code,site id,site,standortcode,nummer,id,filiale,ref",
    "name": "site name,standort,bezeichnung,location,naam,branch,shop",
    "street": "address,street address,strasse,straße,adresse,straat,address line 1",
    "postcode": "zip,zip code,postal code,plz,postleitzahl,postcode,cap",
    "city": "town,ort,stadt,plaats,ville",
    "country": "land,country code,pays,iso",
    "account": "company,legal entity,gesellschaft,customer,firma,entity",
    "latitude": "lat,breite,breitengrad",
    "longitude": "lon,lng,long,länge,längengrad",
    "region": "zone,tariff zone,tariff area",
    "contact_name": "contact,ansprechpartner,on-site contact,kontakt",
    "contact_email": "email,e-mail,mail,contact e-mail",
    "contact_phone": "phone,telephone,telefon,tel,contact phone,mobile",
    DISCOUNT: "discount %,rabatt,line discount,korting",
    REQUESTED: "requested date,wanted by,date,wunschtermin,go live,due",
    TERM: "term,months,term in months,contract term,laufzeit,looptijd",
}
LEGACY = {"bandwidth": "dia.bandwidth", "size": "sdwan.size", "firewall": "firewall.tier"}  # of the plain site file


@dataclass(frozen=True)
class Target:
    """Where a column can go."""

    key: str
    name: str
    group: str


def targets() -> list[Target]:
    """Every place that a column can go to, sites first, then products with their characteristics."""
    found = [Target(name, name.replace("_", " ").capitalize(), "Site") for name in sitefile.SITE_COLUMNS]
    found += [Target(DISCOUNT, "Discount, %", "Lines"), Target(REQUESTED, "Requested date", "Lines")]
    found.append(Target(TERM, "Term, months", "Lines"))
    for offering in products():
        found.append(Target(offering.key, "Whole configuration", offering.name))
        found += [Target(f"{offering.key}.{one.key}", one.name, offering.name) for one in celltext.asked_of(offering)]
    return found


def products() -> list[Offering]:
    """Offerings that can be ordered at a site."""
    rows = Offering.objects.filter(state="active", sellable=True, needs_site=True).exclude(kind="entitlement")
    return list(
        rows.select_related("specification").prefetch_related(
            "specification__characteristics", "items__member__specification__characteristics"
        ).order_by("position", "key")
    )  # fmt: skip


def guess(columns: list[str]) -> list[str]:
    """A target for each column: what was chosen for this head before, else what the names suggest, each once."""
    known = targets()
    keys = {target.key for target in known}
    before = SheetImport.objects.filter(columns=columns, started_at__isnull=False).order_by("-id").first()
    if before is not None and len(before.mapping) == len(columns):
        return [key if key in keys else "" for key in before.mapping]
    words = _words(known)
    taken: set[str] = set()
    found = []
    for column in columns:
        target = _nearest(_plain(column), words, taken, keys)
        taken.add(target)
        found.append(target)
    return found


def problems(mapping: list[str]) -> list[str]:
    """Why rows cannot be read with this mapping, in sentences."""
    chosen = [key for key in mapping if key]
    said = []
    if "code" not in chosen:
        said.append("Say which column holds the site code; it tells the sites apart.")
    if double := sorted({key for key in chosen if chosen.count(key) > 1}):
        said.append(f"Two columns go to the same place: {', '.join(double)}.")
    places = [name for name in sitefile.REQUIRED if name != "code"]
    missing = [name for name in places if name not in chosen]
    if missing and len(missing) < len(places):
        said.append(f"New sites need these columns too: {', '.join(missing)}.")
    products_of = {key.partition(".")[0] for key in chosen if "." in key}
    both = sorted(key for key in chosen if key in products_of)
    if both:
        said.append(f"Give either the whole configuration or its parts, not both: {', '.join(both)}.")
    return said


def only_lines(mapping: list[str]) -> bool:
    """Whether the sheet speaks of sites that are there already, by their codes alone."""
    return not any(name in mapping for name in sitefile.REQUIRED if name != "code")


def _words(known: list[Target]) -> dict[str, str]:
    """Normalised names → target."""
    words: dict[str, str] = {}
    for target in known:
        short = _plain(target.name)
        words.setdefault(_plain(target.key), target.key)
        if target.group == "Site":
            words.setdefault(short, target.key)
        elif "." in target.key:
            words.setdefault(_plain(f"{target.group} {target.name}"), target.key)
            words.setdefault(_plain(f"{target.key.partition('.')[0]} {target.name}"), target.key)
        else:
            words.setdefault(_plain(target.group), target.key)
    for key, names in SITE_WORDS.items():
        for name in names.split(","):
            words.setdefault(_plain(name), key)
    there = {target.key for target in known}
    words |= {name: key for name, key in LEGACY.items() if key in there}
    for target in known:
        if "." in target.key:
            words.setdefault(_plain(target.name), target.key)
    return words


def _nearest(name: str, words: dict[str, str], taken: set[str], keys: set[str]) -> str:
    near = [name, *difflib.get_close_matches(name, words, n=3, cutoff=0.82)]
    return next((words[one] for one in near if one in words and words[one] not in taken and words[one] in keys), "")


def _plain(text: str) -> str:
    return re.sub(r"[^a-zäöüß0-9]+", "", text.lower())
