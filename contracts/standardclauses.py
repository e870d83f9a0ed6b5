"""Standard clauses: the first version of the library, as (key, title, text)."""

CLAUSES: list[tuple[str, str, str]] = [
    (
        "scope",
        "Scope",
        (
            "This agreement sets the prices, service levels and terms under which {customer} and its subsidiaries "
            "order services. It obliges nobody to order; each order is made by a quote that refers to this "
            "agreement and is signed by the customer."
        ),
    ),
    (
        "term",
        "Term and renewal",
        (
            "The agreement runs for the period stated on its first page. Services ordered under it run for at "
            "least {term_months} months from the day each site is handed over, also where that ends after the "
            "agreement does, and continue month by month after that until either side gives one month’s notice."
        ),
    ),
    (
        "prices",
        "Prices and indexation",
        (
            "Prices are in {currency} and exclude value added tax. Negotiated discounts apply to list prices at "
            "the time of the quote. Prices of signed quotes stay fixed for their minimum term; after that they "
            "may follow the consumer price index once a year, announced two months ahead."
        ),
    ),
    (
        "billing",
        "Billing and payment",
        (
            "Monthly charges are billed in advance from the day a service is active at a site, never earlier. "
            "One-time charges are billed when the service is active. Invoices are due within the days stated in "
            "the billing profile; an amount disputed in good faith may be held back until the dispute is settled."
        ),
    ),
    (
        "delivery",
        "Delivery and access",
        (
            "Delivery dates are confirmed per site after the survey. The customer gives access to its premises, "
            "space and power. If a date moves for reasons on our side by more than ten working days, the customer "
            "may cancel the service at that site without charge before it is active."
        ),
    ),
    (
        "service_levels",
        "Service levels and credits",
        (
            "The service levels of this agreement hold for every service unless its contract names tighter ones. "
            "In a month in which a level is missed at a site, the customer is credited 5 % of that site’s monthly "
            "charge for each started 0.1 % of availability or each started hour of repair beyond the level, up to "
            "50 %."
        ),
    ),
    (
        "termination",
        "Early termination",
        (
            "A service ended by the customer before its minimum term is charged with all of the remaining monthly "
            "charges of its first year and half of those after it. Nothing is charged when we have missed the "
            "availability level at that site in three months out of six."
        ),
    ),
    (
        "liability",
        "Liability",
        (
            "Each side’s liability in a contract year is limited to the charges of the twelve months before the "
            "event, except for intent, gross negligence, injury to persons and where the law allows no limit."
        ),
    ),
    (
        "data",
        "Confidentiality and personal data",
        (
            "Both sides keep what they learn of each other confidential for three years after the agreement ends. "
            "Personal data of contacts is used only to deliver, support and bill the services; traffic is carried "
            "and not read."
        ),
    ),
    (
        "law",
        "Law and disputes",
        (
            "The law of the customer’s country of registration applies. Before going to court, both sides meet "
            "within four weeks at the level of management to settle the matter."
        ),
    ),
]
