"""Two hundred sites in the browser: the list with its bad rows, mended and taken, to the contract of every site."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from config.demo import rollout
from tests.browser import quoting, selling
from tests.browser.office import Office
from tests.browser.ordering import appears
from tests.browser.selling import Deal
from tests.factories.rollout import mended

Shoot = Callable[..., None]
OPEN_DEAL = (
    "from config.demo import rollout, story; from kernel.models import User; by = User.objects.get;"
    "mira = by(username='mira'); story.background({'sales_agent': mira, 'service_agent': by(username='clara')});"
    "print(rollout.open_deal(mira).number)"
)
REASON = "Two hundred stores, three years."


def opened(office: Office) -> Deal:
    """The customer with its companies and an empty quote stand there already, other deals beside it."""
    done = office.stack.manage("shell", "-v", "0", "-c", OPEN_DEAL)
    assert done.returncode == 0, done.stderr
    return Deal(quote=f"{office.stack.url}/quotes/{done.stdout.split()[-1]}/v1/")


def take(mira: Page, deal: Deal, folder: Path, shoot: Shoot) -> None:
    """The list is read, its ten bad rows are told with what to do, the good ones taken; then the mended rest."""
    read(mira, deal, rollout.SITES)
    bad = mira.get_by_role("table", name="Rows to mend")
    for said in ("“latitude” is a number between −90 and 90", "Ruritania", "HYPERLINK"):
        expect(bad).to_contain_text(said)
    shoot(mira, "import")
    mira.get_by_role("button", name=f"Import {rollout.GOOD} rows").click()
    with mira.expect_download() as waiting:
        mira.get_by_role("link", name="Rows to mend").click()
    rest = folder / "rest.csv"
    rest.write_bytes(mended(Path(waiting.value.path()).read_text("utf-8-sig")))
    read(mira, deal, rest)
    mira.get_by_role("button", name=re.compile(r"Import \d rows")).click()
    mira.get_by_role("region", name="Result").get_by_role("link", name="Show the quote").click()
    expect(mira.get_by_role("row", name=re.compile(f"All {rollout.GOOD + rollout.BAD - 1} sites"))).to_be_visible()


def read(mira: Page, deal: Deal, file: Path) -> None:
    """Choose the file; the page shows what would happen."""
    mira.goto(deal.quote)
    mira.get_by_role("button", name="Import sites").first.click()
    window = mira.get_by_role("dialog", name="Dialog")
    window.get_by_label("File").set_input_files(file)
    window.get_by_role("button", name="Read the file").click()
    expect(mira.get_by_role("table", name="Rows to mend")).to_be_visible()


def checked(mira: Page) -> None:
    """The partner that owns some last miles answers in its own time; until then nothing can be submitted."""
    appears(mira, mira.get_by_text("Nothing is missing"))


def sign(office: Office, deal: Deal) -> None:
    """The offer of two hundred sites is printed in the background, sent, read and signed by its signatory."""
    mira = office("mira")
    mira.goto(f"{deal.quote}printing/")
    appears(mira, mira.get_by_role("link", name="Open it"))
    link = selling.send_for_signature(mira, deal.quote)
    selling.sign(office, link, "Sign and accept the offer", name="Ruben Verhoeven")


def contracted(mira: Page) -> None:
    """A sales contract, and a service contract for every site."""
    mira.goto(f"/contracts/?kind=service&q={rollout.COMPANY.split()[0]}")
    appears(mira, mira.get_by_text(re.compile(rf"of {rollout.GOOD + rollout.BAD - 1}\b")).first)


def sell(office: Office, folder: Path, shoot: Shoot) -> Deal:
    """The whole deal by hand, each act by the person whose job it is."""
    deal, mira = opened(office), office("mira")
    take(mira, deal, folder, shoot)
    checked(mira)
    mira.goto("/opportunities/board/")
    expect(mira.get_by_role("link", name=rollout.DEAL)).to_be_visible()
    shoot(mira, "board")
    mira.goto(deal.quote)
    quoting.discount_and_submit(mira, "17", REASON)
    quoting.approve_quote(office("petra"), deal)
    shoot(office("petra"), "quote-approved")
    sign(office, deal)
    contracted(mira)
    return deal


def look(office: Office, shoot: Shoot) -> None:
    """What sellers and product managers have beside a deal: the customer, what is sold and what it costs."""
    mira, paula = office("mira"), office("paula")
    for page, path, name in (
        (mira, "/accounts/", "customer"),
        (paula, "/catalogue/dia/", "offering"), (paula, "/prices/matrices/broadband-many-sites/v1/", "price-matrix"),
        (paula, "/prices/try/?offering=dia&c-bandwidth=1G&region=regional&term=36&sites=12&asked=1", "price-steps"),
    ):  # fmt: skip
        page.goto(path)
        expect(page.locator("main h1").first).to_be_visible()
        if name == "customer":
            page.get_by_role("link", name=rollout.COMPANY).click()
            expect(page.get_by_role("heading", name="Quotes, agreements and contracts")).to_be_visible()
        shoot(page, name)


def try_a_rule(paula: Page, shoot: Shoot) -> None:
    """A price rule is tried on the sample orders before anything is kept."""
    paula.goto("/prices/rules/of/term-36/")
    paula.get_by_label("By how much").fill("-30")
    paula.get_by_role("button", name="Try it on the sample orders").click()
    expect(paula.locator("#effect")).to_contain_text("would cost something else")
    paula.locator("#effect").scroll_into_view_if_needed()
    shoot(paula, "price-rule")
