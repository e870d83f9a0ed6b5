"""Countries by ISO 3166-1 alpha-2 code, and how their postcodes look where we check them."""

import re

_TABLE = """AD Andorra|AE United Arab Emirates|AL Albania|AM Armenia|AR Argentina|AT Austria|AU Australia|AZ Azerbaijan
BA Bosnia and Herzegovina|BE Belgium|BG Bulgaria|BH Bahrain|BR Brazil|BY Belarus|CA Canada|CH Switzerland|CL Chile
CN China|CO Colombia|CR Costa Rica|CY Cyprus|CZ Czechia|DE Germany|DK Denmark|DO Dominican Republic|DZ Algeria
EC Ecuador|EE Estonia|EG Egypt|ES Spain|ET Ethiopia|FI Finland|FO Faroe Islands|FR France|GB United Kingdom|GE Georgia
GG Guernsey|GH Ghana|GI Gibraltar|GL Greenland|GR Greece|GT Guatemala|HK Hong Kong|HR Croatia|HU Hungary|ID Indonesia
IE Ireland|IL Israel|IM Isle of Man|IN India|IQ Iraq|IS Iceland|IT Italy|JE Jersey|JO Jordan|JP Japan|KE Kenya
KR South Korea|KW Kuwait|KZ Kazakhstan|LB Lebanon|LI Liechtenstein|LK Sri Lanka|LT Lithuania|LU Luxembourg|LV Latvia
MA Morocco|MC Monaco|MD Moldova|ME Montenegro|MK North Macedonia|MT Malta|MU Mauritius|MX Mexico|MY Malaysia|NG Nigeria
NL Netherlands|NO Norway|NZ New Zealand|OM Oman|PA Panama|PE Peru|PH Philippines|PK Pakistan|PL Poland|PT Portugal
PY Paraguay|QA Qatar|RO Romania|RS Serbia|SA Saudi Arabia|SE Sweden|SG Singapore|SI Slovenia|SK Slovakia|SM San Marino
TH Thailand|TN Tunisia|TR Türkiye|TW Taiwan|TZ Tanzania|UA Ukraine|UG Uganda|US United States|UY Uruguay|VA Vatican City
VN Vietnam|XK Kosovo|ZA South Africa"""

NAMES: dict[str, str] = {
    code: name for code, _, name in (entry.partition(" ") for line in _TABLE.splitlines() for entry in line.split("|"))
}
_BY_NAME = {name.lower(): code for code, name in NAMES.items()} | {"holland": "NL", "czech republic": "CZ", "uk": "GB"}

_POSTCODES: dict[str, tuple[str, str]] = {
    "NL": (r"\d{4} ?[A-Z]{2}", "3087 BM"),
    "BE": (r"\d{4}", "2040"),
    "DE": (r"\d{5}", "20457"),
    "FR": (r"\d{5}", "69800"),
    "AT": (r"\d{4}", "1010"),
    "CH": (r"\d{4}", "8005"),
    "CZ": (r"\d{3} ?\d{2}", "186 00"),
    "PL": (r"\d{2}-\d{3}", "62-023"),
    "SE": (r"\d{3} ?\d{2}", "215 32"),
    "DK": (r"\d{4}", "2650"),
    "NO": (r"\d{4}", "4029"),
    "ES": (r"\d{5}", "28042"),
    "IT": (r"\d{5}", "20054"),
    "LU": (r"\d{4}", "1855"),
}


def code_of(text: str) -> str | None:
    """The code of a country given by code or English name, None for anything else."""
    text = text.strip()
    if text.upper() in NAMES:
        return text.upper()
    return _BY_NAME.get(text.lower())


def postcode_problem(country: str, postcode: str) -> str:
    """Why this is no postcode of that country, empty when it may be one."""
    pattern, example = _POSTCODES.get(country, ("", ""))
    if not pattern or re.fullmatch(pattern, postcode.strip().upper()):
        return ""
    return f"In {country} a postcode looks like {example}."
