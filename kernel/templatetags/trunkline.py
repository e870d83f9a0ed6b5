"""Template tags of the design language: icons, states, money, days."""

from django import template

register = template.Library()
