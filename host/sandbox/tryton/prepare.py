"""Makes the database that every Tryton of the sandbox starts as a copy of.

    python prepare.py FOLDER

leaves `tryton.sqlite` and `logins.json` (who may log in, and with which key) in the folder.
It says what it does in lines on standard output.
"""

import json
import os
import sys
from argparse import Namespace
from pathlib import Path

DATABASE = "tryton"
MODULES = ["party", "party_relationship", "sale_opportunity"]
COMPANY = "Example Trading"
COUNTRIES = [
    ("Belgium", "BE", "BEL"),
    ("France", "FR", "FRA"),
    ("Germany", "DE", "DEU"),
    ("Netherlands", "NL", "NLD"),
    ("Switzerland", "CH", "CHE"),
    ("United Kingdom", "GB", "GBR"),
    ("United States", "US", "USA"),
]
SALES = [("sale", "group_sale"), ("sale_opportunity", "group_opportunity")]
# Login, name, groups. Everybody may read and write parties: Tryton gives that to every user.
USERS = [
    ("anna", "Anna Keller", SALES),
    ("bruno", "Bruno Martin", SALES),
    ("carla", "Carla Jansen", SALES),
    ("dora", "Dora Reader", []),
]


def say(text):
    """Reports progress at once, also into a pipe."""
    print(text, flush=True)


def configure(folder):
    """Points Tryton at the folder; it reads no file and no variable of this machine."""
    from trytond import config

    config.set("database", "uri", "sqlite://")
    config.set("database", "path", str(folder))


def create():
    """Creates the database with the modules activated."""
    from trytond import admin

    admin.run(
        Namespace(
            database_names=[DATABASE],
            update=["ir", "res", *MODULES],
            activatedeps=True,
            update_modules_list=True,
            languages=["en"],
            indexes=True,
            login="admin",
            administrator=True,
            active=True,
            email="admin@example.com",
            password=False,
            reset_password=False,
            hostname=None,
            test_email=None,
            export_translations=False,
            validate=None,
            validate_percentage=100,
        )
    )


def close_wizards():
    """Marks the configuration wizards of the modules as done, as somebody at the screen would."""
    from trytond.pool import Pool

    Item = Pool().get("ir.module.config_wizard.item")
    Item.write(Item.search([("state", "=", "open")]), {"state": "done"})


def found():
    """Founds the company, with its currency, its countries and its party settings."""
    from trytond.pool import Pool

    pool = Pool()
    Category = pool.get("party.category")
    Company = pool.get("company.company")
    Country = pool.get("country.country")
    Currency = pool.get("currency.currency")
    Party = pool.get("party.party")
    Type = pool.get("party.relation.type")

    currencies = Currency.create(
        [
            {"name": name, "code": code, "numeric_code": number, "symbol": symbol}
            for name, code, number, symbol in [
                ("Euro", "EUR", "978", "€"),
                ("US Dollar", "USD", "840", "$"),
            ]
        ]
    )
    Country.create(
        [{"name": name, "code": two, "code3": three} for name, two, three in COUNTRIES]
    )
    # Tryton has one model for companies and people; a category says which is which.
    Category.create([{"name": "Person"}])
    employee, employer = Type.create([{"name": "Employee of"}, {"name": "Employer of"}])
    Type.write([employee], {"reverse": employer.id}, [employer], {"reverse": employee.id})
    party, = Party.create([{"name": COMPANY}])
    company, = Company.create([{"party": party.id, "currency": currencies[0].id}])
    return company


def hire(company):
    """Creates the users, each with an employee and a key, and returns what gets them in."""
    from trytond.pool import Pool

    pool = Pool()
    Application = pool.get("res.user.application")
    Category = pool.get("party.category")
    Data = pool.get("ir.model.data")
    Employee = pool.get("company.employee")
    Party = pool.get("party.party")
    User = pool.get("res.user")

    person, = Category.search([("name", "=", "Person")])
    logins = []

    def admit(user, employee):
        # The state of a key that a user asks for is "requested" until an administrator agrees.
        key, = Application.create(
            [{"user": user.id, "application": "rest", "state": "validated"}]
        )
        logins.append(
            {
                "login": user.login,
                "name": user.name,
                "email": user.email,
                "user": user.id,
                "employee": employee and employee.id,
                "key": key.key,
            }
        )

    for login, name, groups in USERS:
        email = f"{login}@example.com"
        party, = Party.create(
            [
                {
                    "name": name,
                    "categories": [("add", [person.id])],
                    "contact_mechanisms": [
                        ("create", [{"type": "email", "value": email}])
                    ],
                }
            ]
        )
        employee, = Employee.create([{"party": party.id, "company": company.id}])
        user, = User.create(
            [
                {
                    "login": login,
                    "name": name,
                    "email": email,
                    "companies": [("add", [company.id])],
                    "company": company.id,
                    "employees": [("add", [employee.id])],
                    "employee": employee.id,
                    "groups": [("add", [Data.get_id(*it) for it in groups])],
                }
            ]
        )
        admit(user, employee)
    admin, = User.search([("login", "=", "admin")])
    User.write(
        [admin],
        {
            "name": "Administrator",
            "companies": [("add", [company.id])],
            "company": company.id,
        },
    )
    admit(admin, None)
    return logins


def main():
    """Makes the database in the folder of the command line."""
    folder = Path(sys.argv[1])
    configure(folder)

    from trytond import backend
    from trytond.transaction import Transaction

    say("creating the database: " + ", ".join(MODULES))
    # SQLite is told not to create files.
    (folder / f"{DATABASE}.sqlite").touch()
    # Tryton asks at the terminal for a password that nobody is going to use.
    secret = folder / "password"
    secret.write_text(os.urandom(24).hex())
    os.environ["TRYTONPASSFILE"] = str(secret)
    create()
    secret.unlink()

    say(f"founding {COMPANY} with {len(USERS)} users")
    with Transaction().start(DATABASE, 0):
        close_wizards()
        company = found()
        logins = hire(company)
    backend.Database(DATABASE).close()
    (folder / "logins.json").write_text(
        json.dumps({"company": company.id, "users": logins}, indent=2)
    )
    say("the database is ready")


main()
