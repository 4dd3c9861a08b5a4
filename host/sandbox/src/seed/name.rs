//! Names to make people and organisations of: of many scripts, with all that breaks careless code.

/// Given names and family names that go together.
pub(super) const PEOPLE: &[(&[&str], &[&str])] = &[
    (
        &[
            "Ada", "Grace", "Liam", "Noah", "Olivia", "Ruth", "Samuel", "Tess", "Walter", "Zoë",
        ],
        &[
            "Archer",
            "Bennett",
            "Clarke",
            "O'Brien",
            "D'Arcy",
            "Fletcher-Jones",
            "McKay",
            "Null",
            "Smith",
            "Young",
        ],
    ),
    (
        &[
            "Jürgen", "Käthe", "Søren", "Åsa", "Łukasz", "Żaneta", "Dvořák", "Ștefan", "Győző",
            "Nuño",
        ],
        &[
            "Müller",
            "Groß",
            "Ångström",
            "Jørgensen",
            "Wałęsa",
            "Čapek",
            "Țepeș",
            "Ördög",
            "Núñez",
            "Lefèvre",
        ],
    ),
    (
        &["太郎", "花子", "伟", "芳", "민준"],
        &["山田", "佐藤", "王", "李", "김"],
    ),
    (
        &["محمد", "فاطمة", "ليلى", "يوسف"],
        &["الخطيب", "حداد", "النجار"],
    ),
    (
        &["Иван", "Ольга", "Олена", "Γιώργος"],
        &["Петров", "Шевченко", "Παπαδόπουλος"],
    ),
];

/// Words to make names and domains of organisations of.
pub(super) const WORDS: &[&str] = &[
    "Alder", "Beacon", "Cobalt", "Delta", "Ember", "Falcon", "Granite", "Harbour", "Indigo",
    "Juniper", "Kestrel", "Lumen", "Meridian", "Nimbus", "Orchard", "Pioneer", "Quartz", "Ridge",
    "Summit", "Tundra", "Umber", "Vertex", "Willow", "Yarrow", "Zenith",
];

/// What organisations do.
pub(super) const TRADES: &[&str] = &[
    "Bakery",
    "Freight",
    "Instruments",
    "Kitchens",
    "Labs",
    "Logistics",
    "Optics",
    "Software",
    "Textiles",
    "Tools",
];

/// The first accounts: domains that are parts of others, are shared, or are not of ASCII.
pub(super) const FIRST_ACCOUNTS: &[(&str, &[&str])] = &[
    ("Example Company", &["example.com", "example.org"]),
    ("Not Example", &["notexample.com"]),
    ("Example Company, Subsidiary", &["sub.example.com"]),
    ("Shared Holding", &["example.net"]),
    ("Shared Daughter", &["example.net"]),
    ("Bücher & Söhne", &["bücher.example"]),
    ("100% O'Neill_Partners \"Ltd\"", &["oneill.example"]),
    ("山田商事株式会社", &["yamada.example"]),
];

/// Hosts on which anybody has an address.
pub(super) const PUBLIC_HOSTS: &[&str] = &["gmail.com", "outlook.com", "yahoo.com"];

pub(super) const TITLES: &[&str] = &[
    "Buyer",
    "Chief Executive",
    "Engineer",
    "Head of Purchasing",
    "Lawyer",
    "Office Manager",
    "Sales Manager",
];

/// The stages of a sale, with the status that each one means.
pub(super) const STAGES: &[(&str, &str)] = &[
    ("Qualified", "open"),
    ("Proposal", "open"),
    ("Negotiation", "open"),
    ("Contract", "open"),
    ("Closed won", "won"),
    ("Closed lost", "lost"),
];

pub(super) const CURRENCIES: &[&str] = &["CHF", "EUR", "GBP", "JPY", "USD"];

pub(super) const ROLES: &[&str] = &[
    "Buyer",
    "Decision maker",
    "Influencer",
    "Technical advisor",
    "User",
];

pub(super) const ZONES: &[&str] = &[
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "UTC",
    "Australia/Sydney",
];
