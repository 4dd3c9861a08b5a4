//! The tables of an organisation, as its metadata has them.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// A text of at most so many characters.
    Text(usize),
    /// The id of the row itself.
    Id,
    /// A row of one of several tables.
    Lookup(&'static [Target]),
    Number,
    Flag,
    Time,
    Day,
    Money,
}

/// A table that a look-up leads to: the name of the property that binds it, and the set.
pub(super) type Target = (&'static str, &'static str);

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its logical name; of a look-up, the property for reading is `_name_value`.
    pub(super) name: &'static str,
    pub(super) kind: Type,
    pub(super) writable: bool,
}

/// A table.
#[derive(Debug)]
pub(super) struct Schema {
    /// In addresses.
    pub(super) set: &'static str,
    /// In messages and annotations.
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    pub(super) columns: &'static [Column],
    /// Of an activity: the list of its parties, and the parts that may be written.
    pub(super) parties: Option<(&'static str, &'static [i64])>,
    /// Of an activity: the reasons of each state.
    pub(super) states: &'static [(i64, &'static [i64])],
    /// Whether its changes are tracked.
    pub(super) tracked: bool,
}

const fn text(name: &'static str, longest: usize) -> Column {
    column(name, Type::Text(longest), true)
}

const fn column(name: &'static str, kind: Type, writable: bool) -> Column {
    Column {
        name,
        kind,
        writable,
    }
}

const USER: &[Target] = &[("", "systemusers")];
const OWNER: &[Target] = &[("ownerid", "systemusers")];
const CREATED: Column = column("createdon", Type::Time, false);
const MODIFIED: Column = column("modifiedon", Type::Time, false);
const OWNERS: [Column; 2] = [
    column("ownerid", Type::Lookup(OWNER), true),
    column("owninguser", Type::Lookup(USER), false),
];
const STATE: Column = column("statecode", Type::Number, true);
const STATUS: Column = column("statuscode", Type::Number, true);

pub(super) static SCHEMAS: [Schema; 10] = [
    Schema {
        set: "contacts",
        name: "contact",
        id: "contactid",
        columns: &[
            column("contactid", Type::Id, false),
            column("fullname", Type::Text(160), false),
            text("firstname", 50),
            text("lastname", 50),
            text("emailaddress1", 100),
            text("emailaddress2", 100),
            text("emailaddress3", 100),
            text("telephone1", 50),
            text("telephone2", 50),
            text("telephone3", 50),
            text("mobilephone", 50),
            text("jobtitle", 100),
            column(
                "parentcustomerid",
                Type::Lookup(&[
                    ("parentcustomerid_account", "accounts"),
                    ("parentcustomerid_contact", "contacts"),
                ]),
                true,
            ),
            OWNERS[0],
            OWNERS[1],
            STATE,
            STATUS,
            CREATED,
            MODIFIED,
            column("merged", Type::Flag, false),
            column("masterid", Type::Lookup(&[("", "contacts")]), false),
        ],
        parties: None,
        states: &[(0, &[1]), (1, &[2])],
        tracked: true,
    },
    Schema {
        set: "accounts",
        name: "account",
        id: "accountid",
        columns: &[
            column("accountid", Type::Id, false),
            text("name", 160),
            text("websiteurl", 200),
            text("emailaddress1", 100),
            column("customertypecode", Type::Number, true),
            column(
                "parentaccountid",
                Type::Lookup(&[("parentaccountid", "accounts")]),
                true,
            ),
            OWNERS[0],
            OWNERS[1],
            STATE,
            STATUS,
            CREATED,
            MODIFIED,
            column("merged", Type::Flag, false),
            column("masterid", Type::Lookup(&[("", "accounts")]), false),
        ],
        parties: None,
        states: &[(0, &[1]), (1, &[2])],
        tracked: true,
    },
    Schema {
        set: "opportunities",
        name: "opportunity",
        id: "opportunityid",
        columns: &[
            column("opportunityid", Type::Id, false),
            text("name", 300),
            STATE,
            STATUS,
            text("stepname", 200),
            column("estimatedvalue", Type::Money, true),
            CREATED,
            MODIFIED,
            column("estimatedclosedate", Type::Day, true),
            column("actualclosedate", Type::Day, true),
            OWNERS[0],
            OWNERS[1],
            column(
                "parentaccountid",
                Type::Lookup(&[("parentaccountid", "accounts")]),
                true,
            ),
            column(
                "parentcontactid",
                Type::Lookup(&[("parentcontactid", "contacts")]),
                true,
            ),
            column(
                "customerid",
                Type::Lookup(&[
                    ("customerid_account", "accounts"),
                    ("customerid_contact", "contacts"),
                ]),
                true,
            ),
            column(
                "transactioncurrencyid",
                Type::Lookup(&[("transactioncurrencyid", "transactioncurrencies")]),
                true,
            ),
        ],
        parties: None,
        states: &[(0, &[1, 2]), (1, &[3]), (2, &[4, 5])],
        tracked: true,
    },
    Schema {
        set: "emails",
        name: "email",
        id: "activityid",
        columns: &[
            column("activityid", Type::Id, false),
            text("subject", 800),
            text("description", 1_073_741_823),
            text("messageid", 320),
            column("directioncode", Type::Flag, true),
            column("actualend", Type::Time, true),
            column("senton", Type::Time, false),
            column(
                "regardingobjectid",
                Type::Lookup(&[
                    ("regardingobjectid_contact_email", "contacts"),
                    ("regardingobjectid_account_email", "accounts"),
                    ("regardingobjectid_opportunity_email", "opportunities"),
                ]),
                true,
            ),
            OWNERS[0],
            OWNERS[1],
            STATE,
            STATUS,
            CREATED,
            MODIFIED,
        ],
        parties: Some(("email_activity_parties", &[1, 2, 3, 4])),
        states: &[(0, &[1, 8]), (1, &[2, 3, 4, 6, 7]), (2, &[5])],
        tracked: true,
    },
    Schema {
        set: "appointments",
        name: "appointment",
        id: "activityid",
        columns: &[
            column("activityid", Type::Id, false),
            text("subject", 200),
            text("description", 1_048_576),
            text("location", 200),
            text("globalobjectid", 300),
            column("isalldayevent", Type::Flag, true),
            column("scheduledstart", Type::Time, true),
            column("scheduledend", Type::Time, true),
            column(
                "regardingobjectid",
                Type::Lookup(&[
                    ("regardingobjectid_contact_appointment", "contacts"),
                    ("regardingobjectid_account_appointment", "accounts"),
                    ("regardingobjectid_opportunity_appointment", "opportunities"),
                ]),
                true,
            ),
            OWNERS[0],
            OWNERS[1],
            STATE,
            STATUS,
            CREATED,
            MODIFIED,
        ],
        parties: Some(("appointment_activity_parties", &[5, 6, 7])),
        states: &[(0, &[1, 2]), (1, &[3]), (2, &[4]), (3, &[5, 6])],
        tracked: true,
    },
    Schema {
        set: "systemusers",
        name: "systemuser",
        id: "systemuserid",
        columns: &[
            column("systemuserid", Type::Id, false),
            text("fullname", 200),
            text("internalemailaddress", 100),
            text("personalemailaddress", 100),
            text("domainname", 1024),
            column("isdisabled", Type::Flag, false),
            CREATED,
            MODIFIED,
        ],
        parties: None,
        states: &[],
        tracked: false,
    },
    Schema {
        set: "activitymimeattachments",
        name: "activitymimeattachment",
        id: "activitymimeattachmentid",
        columns: &[
            column("activitymimeattachmentid", Type::Id, false),
            column(
                "objectid",
                Type::Lookup(&[("objectid_activitypointer", "activitypointers")]),
                true,
            ),
            text("objecttypecode", 100),
            text("filename", 255),
            text("mimetype", 256),
            text("body", 1_073_741_823),
        ],
        parties: None,
        states: &[],
        tracked: false,
    },
    Schema {
        set: "usersettingscollection",
        name: "usersettings",
        id: "systemuserid",
        columns: &[
            column("systemuserid", Type::Id, false),
            column("timezonecode", Type::Number, true),
        ],
        parties: None,
        states: &[],
        tracked: false,
    },
    Schema {
        set: "timezonedefinitions",
        name: "timezonedefinition",
        id: "timezonedefinitionid",
        columns: &[
            column("timezonedefinitionid", Type::Id, false),
            column("timezonecode", Type::Number, false),
            text("standardname", 100),
        ],
        parties: None,
        states: &[],
        tracked: false,
    },
    Schema {
        set: "organizations",
        name: "organization",
        id: "organizationid",
        columns: &[column("organizationid", Type::Id, false), text("name", 160)],
        parties: None,
        states: &[],
        tracked: false,
    },
];

impl Column {
    /// The property by which it is read.
    pub(super) fn property(&self) -> String {
        match self.kind {
            Type::Lookup(_) => format!("_{}_value", self.name),
            _ => self.name.to_owned(),
        }
    }
}

impl Schema {
    pub(super) fn of(set: &str) -> Option<&'static Self> {
        SCHEMAS.iter().find(|it| it.set == set)
    }

    pub(super) fn named(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|it| it.name == name)
    }

    pub(super) fn property(&self, property: &str) -> Option<&'static Column> {
        self.columns.iter().find(|it| it.property() == property)
    }

    /// The column and the set that a property binds.
    pub(super) fn binding(&self, property: &str) -> Option<(&'static Column, &'static str)> {
        self.columns.iter().find_map(|column| match column.kind {
            Type::Lookup(targets) => {
                let target = targets.iter().find(|it| it.0 == property)?;
                Some((column, target.1))
            }
            _ => None,
        })
    }
}
