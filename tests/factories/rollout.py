"""The refused rows of the deal of two hundred sites with what was wrong put right, as somebody would in Excel."""

MENDED = {
    "95.64500": "51.90650", "30A1": "3011 AB", ",3G,": ",1G,",
    "Halvora Polska Sp. z o.o.": "Halvora Deutschland GmbH",
    "'=HYPERLINK(\"\"http://halvora.example\"\")": "Showroom Hafen", "140": "14", " at halvora": "@halvora",
    "Ruritania": "BE", "DE-022": "DE-023",
}  # fmt: skip


def mended(text: str) -> bytes:
    """The file of refused rows, mended but for the row without a town."""
    for wrong, right in MENDED.items():
        assert wrong in text or wrong.startswith("'="), wrong
        text = text.replace(wrong, right)
    return text.encode()
