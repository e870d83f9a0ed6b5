"""Site files: the columns of a CSV of sites."""

from kernel import sheets

REQUIRED = ("code", "name", "street", "postcode", "city", "country")
SITE_COLUMNS = (
    "account", *REQUIRED, "latitude", "longitude", "region", "contact_name", "contact_email", "contact_phone",
)  # fmt: skip
PRODUCT_COLUMNS = ("bandwidth", "size", "firewall")
KNOWN = (*SITE_COLUMNS, *PRODUCT_COLUMNS)


def parse(content: bytes) -> sheets.File:
    """Decode and split a site file. Raises `kernel.csvfile.Unreadable`."""
    return sheets.parse(content, known=KNOWN, required=REQUIRED)
