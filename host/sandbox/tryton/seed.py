"""Makes up companies and people, so that a demonstration has something to find.

The same numbers make the same records.
"""

import random

GIVEN = (
    "Ada Amélie Björn Chiara Dirk Elif Farid Greta Hana Igor Jana Kofi Lena Marek Nadia Oskar "
    "Paula Quentin Rosa Søren Tessa Ugo Vera Wim Yara Zoë"
).split()
FAMILY = (
    "Andersen Becker Costa Dupont Eriksen Fischer García Haas Ivanov Janssen Kovács Laurent "
    "Meyer Novak Olsen Peeters Quinn Rossi Schmidt Tanaka Urban Vogel Weber Young Ziegler"
).split()
FIRST = (
    "Alpine Baltic Cedar Delta Evergreen Falcon Granite Harbour Indigo Juniper Kestrel Lumen "
    "Maple Nordic Orchid Pioneer Quartz River Summit Tidal Umber Vertex Willow Yellow Zenith"
).split()
SECOND = (
    "Foods Logistics Textiles Optics Energy Printing Robotics Packaging Travel Ceramics "
    "Software Timber Media Pharma Tools Glass"
).split()
CITIES = [
    ("BE", "Brussels"),
    ("CH", "Zürich"),
    ("DE", "Hamburg"),
    ("FR", "Lyon"),
    ("GB", "Leeds"),
    ("NL", "Utrecht"),
    ("US", "Boston"),
]
# How many records one call creates; more makes it slower again.
BATCH = 500
ASCII = str.maketrans("éöáíøëÉ", "eoaioeE")


def fill(database, accounts, contacts):
    """Creates so many companies and people; each person works at one of the companies."""
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    pool = Pool(database)
    dice = random.Random(1)
    with Transaction().start(database, 0, context={"company": 1, "companies": [1]}):
        Category = pool.get("party.category")
        Country = pool.get("country.country")
        Relation = pool.get("party.relation")
        Type = pool.get("party.relation.type")

        person, = Category.search([("name", "=", "Person")])
        employee, = Type.search([("name", "=", "Employee of")])
        countries = {it.code: it.id for it in Country.search([])}
        companies = create(
            pool, [company(dice, number, countries) for number in range(accounts)]
        )
        employers = [dice.randrange(accounts) for _ in range(contacts)] if accounts else []
        people = create(
            pool,
            [
                human(dice, number, person.id, employers[number] if employers else None)
                for number in range(contacts)
            ],
        )
        for part in batches(list(zip(people, employers))):
            Relation.create(
                [
                    {"from_": who.id, "to": companies[where].id, "type": employee.id}
                    for who, where in part
                ]
            )
        # A company's first person is whom its opportunity is about.
        persons = dict(zip(reversed(employers), reversed(people)))
        opportunities(
            pool,
            dice,
            [(it, persons.get(at)) for at, it in enumerate(companies[: accounts // 2])],
        )


def create(pool, rows):
    """Creates parties in batches."""
    Party = pool.get("party.party")
    return [it for part in batches(rows) for it in Party.create(part)]


def batches(rows):
    """Cuts rows into batches."""
    return [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]


def domain(number):
    """Returns the mail domain of the company with this number."""
    return f"company{number + 1}.example"


def company(dice, number, countries):
    """Makes up one company."""
    name = f"{dice.choice(FIRST)} {dice.choice(SECOND)} {number + 1}"
    country, city = dice.choice(CITIES)
    return {
        "name": name,
        "addresses": [
            (
                "create",
                [
                    {
                        "street_unstructured": f"{dice.randrange(1, 200)} Market Street",
                        "postal_code": str(dice.randrange(10000, 99999)),
                        "city": city,
                        "country": countries.get(country),
                    }
                ],
            )
        ],
        "contact_mechanisms": [
            (
                "create",
                [
                    {"type": "website", "value": f"https://www.{domain(number)}/"},
                    {"type": "phone", "value": f"+1 555 01{dice.randrange(100):02}"},
                ],
            )
        ],
    }


def human(dice, number, category, employer):
    """Makes up one person."""
    given, family = dice.choice(GIVEN), dice.choice(FAMILY)
    host = "private.example" if employer is None else domain(employer)
    local = f"{given}.{family}.{number + 1}".lower().translate(ASCII)
    return {
        "name": f"{given} {family}",
        "categories": [("add", [category])],
        "contact_mechanisms": [
            (
                "create",
                [
                    {"type": "email", "value": f"{local}@{host}"},
                    {"type": "mobile", "value": f"+1 555 01{dice.randrange(100):02}"},
                ],
            )
        ],
    }


def opportunities(pool, dice, companies):
    """Makes up an opportunity for each of the companies, with one of its people if it has any."""
    Opportunity = pool.get("sale.opportunity")
    Employee = pool.get("company.employee")
    employees = [it.id for it in Employee.search([])]
    euro = pool.get("company.company")(1).currency.id
    for part in batches(companies):
        Opportunity.create(
            [
                {
                    "party": it.id,
                    "company": 1,
                    "currency": euro,
                    "employee": dice.choice(employees),
                    "amount": dice.randrange(1, 500) * 100,
                    "description": f"Order of {it.name}",
                    "contact": who.contact_mechanisms[0].id if who else None,
                }
                for it, who in part
            ]
        )
