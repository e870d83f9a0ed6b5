"""The provider: our own company as customers see it on paper. There is one row at most."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

WHITE_CONTRAST = 4.5  # WCAG AA for the accent colour on white paper


class Provider(models.Model):
    """Who offers, signs and bills: name, address, registration, colour and logo of every document."""

    only = models.BooleanField(default=True, editable=False, unique=True)
    name = models.CharField(max_length=80, default="Trunkline", help_text="Stands at the head of every document.")
    legal_name = models.CharField(
        max_length=120, blank=True, help_text="The legal entity that signs; empty for the name above."
    )
    street = models.CharField(max_length=120, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=80, blank=True)
    registration = models.CharField(max_length=60, blank=True, help_text="Number in the trade register.")
    vat_number = models.CharField("VAT number", max_length=30, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    website = models.CharField(max_length=120, blank=True)
    accent = models.CharField(
        max_length=7,
        default="#0f6b6e",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}\Z", "Write it as #0f6b6e.")],
        help_text="Colour of headings and lines on paper; dark enough to be read on white.",
    )
    logo = models.BinaryField(null=True, blank=True, help_text="PNG or JPEG; without one the name stands alone.")
    logo_type = models.CharField(max_length=20, blank=True, editable=False)

    class Meta:
        verbose_name = "provider"
        verbose_name_plural = "provider"
        constraints = [models.CheckConstraint(condition=models.Q(only=True), name="one_provider")]

    def __str__(self) -> str:
        return self.name

    @property
    def signs_as(self) -> str:
        """The legal entity."""
        return self.legal_name or self.name

    @property
    def address(self) -> str:
        """In one line."""
        return ", ".join(filter(None, (self.street, f"{self.postcode} {self.city}".strip(), self.country)))

    def clean(self) -> None:
        """A colour that nobody can read is no brand."""
        if len(self.accent) == 7 and contrast(self.accent) < WHITE_CONTRAST:
            raise ValidationError({"accent": "This is too light to be read on white paper. Choose a darker one."})


def contrast(colour: str) -> float:
    """How much a colour such as #0f6b6e stands out from white, by WCAG 2."""

    def linear(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    try:
        red, green, blue = (linear(colour[at : at + 2]) for at in (1, 3, 5))
    except ValueError:
        return 21.0  # no colour at all; its own check says so
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
