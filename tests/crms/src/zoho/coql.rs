//! COQL as Zoho reads it: tokens, a tree, and what rows meet it.
//!
//! What a query may hold is from Zoho's pages on COQL (overview, limitations, records through a COQL query; v7 and v8) and the specification v8.0 (github zoho/crm-oas at a6687fc); that a quote is doubled, from Kaizen 171.
//! Whether a backslash escapes is written nowhere, so a test says which it is.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::field::{Field, Type, field, fields};
use crate::{Answer, Row};

/// The most criteria, values of one `in`, rows of one answer, and rows that can be paged over.
const MOST_CRITERIA: usize = 25;
const MOST_VALUES: usize = 50;
const MOST_ROWS: usize = 2_000;
const MOST_OFFSET: usize = 100_000;

/// A query, taken apart and checked.
#[derive(Debug)]
pub struct Query {
    /// The module that it reads.
    pub module: &'static str,
    /// The columns that it selects.
    pub columns: Vec<&'static str>,
    /// What rows have to meet.
    pub condition: Condition,
    /// In the order of times and ids, instead of ids.
    pub by_time: bool,
    /// How many rows.
    pub limit: usize,
    /// How many rows to pass over.
    pub offset: usize,
}

/// A tree of criteria.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Both.
    And(Box<(Self, Self)>),
    /// One or both.
    Or(Box<(Self, Self)>),
    /// A field is one of these values, in any case; behind them, how they compare.
    In(&'static Field, Vec<String>, HashSet<String>),
    /// A field compares so with a value: `=`, `<`, `>`, `<=`, `>=`.
    Compare(&'static Field, &'static str, String),
    /// A field has this text somewhere, at its begin or at its end: whether it goes on before and behind.
    Like(&'static Field, bool, String, bool),
    /// A field is empty, or is not.
    Null(&'static Field, bool),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

/// Reads a query, or says how Zoho refuses it.
pub fn parse(text: &str, backslash_escapes: bool) -> Result<Query, Answer> {
    let tokens = tokens(text, backslash_escapes).ok_or_else(|| syntax("a text does not end"))?;
    let mut parser = Parser {
        tokens,
        at: 0,
        criteria: 0,
        module: "",
    };
    parser.query()
}

fn tokens(text: &str, backslash_escapes: bool) -> Option<Vec<Token>> {
    const SIGNS: [&str; 9] = ["<=", ">=", "!=", "=", "<", ">", "(", ")", ","];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (token, end) = quoted(rest, backslash_escapes)?;
            tokens.push(Token::Text(token));
            rest = rest.get(end..)?;
        } else if let Some(sign) = SIGNS.iter().find(|it| rest.starts_with(**it)) {
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..)?;
        } else {
            let is_part = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '$');
            let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
            // Anything else is no part of the language.
            let word = rest.get(..end).filter(|it| !it.is_empty())?;
            tokens.push(Token::Word(word.to_owned()));
            rest = rest.get(end..)?;
        }
        rest = rest.trim_start();
    }
    Some(tokens)
}

/// Reads a text in quotes, and where it ends.
fn quoted(text: &str, backslash_escapes: bool) -> Option<(String, usize)> {
    let mut read = String::new();
    let mut all = text.char_indices().skip(1).peekable();
    while let Some((at, it)) = all.next() {
        match it {
            '\'' if all.peek().is_some_and(|next| next.1 == '\'') => {
                all.next();
                read.push('\'');
            }
            '\'' => return Some((read, at + 1)),
            '\\' if backslash_escapes => read.push(all.next()?.1),
            it => read.push(it),
        }
    }
    None
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    criteria: usize,
    module: &'static str,
}

impl Parser {
    fn query(&mut self) -> Result<Query, Answer> {
        self.word("select")?;
        let mut names = vec![self.name()?];
        while self.takes(&Token::Sign(",")) {
            names.push(self.name()?);
        }
        self.word("from")?;
        let module = self.name()?;
        self.module = super::field::module(&module).ok_or_else(|| {
            let details = json!({ "module": module });
            invalid("the module name given seems to be invalid", &details)
        })?;
        let columns: Result<Vec<_>, _> = names.iter().map(|it| self.field(it)).collect();
        let columns: Vec<_> = columns?.iter().map(|it| it.name).collect();
        if columns.len() > 500 {
            return Err(limit("columns", 500));
        }
        self.word("where")?;
        let condition = self.condition()?;
        if self.criteria > MOST_CRITERIA {
            return Err(limit("criteria", MOST_CRITERIA));
        }
        let by_time = self.order()?;
        let (offset, limit) = self.limit()?;
        if self.at != self.tokens.len() {
            return Err(syntax("something stands behind the end"));
        }
        Ok(Query {
            module: self.module,
            columns,
            condition,
            by_time,
            limit,
            offset,
        })
    }

    /// Two criteria at the most stand beside each other: more of them are nested in pairs.
    fn condition(&mut self) -> Result<Condition, Answer> {
        let first = self.criterion()?;
        for word in ["and", "or"] {
            if self.takes_word(word) {
                let both = Box::new((first, self.criterion()?));
                if ["and", "or"].iter().any(|it| self.next_is(it)) {
                    return Err(syntax("more than two criteria are not grouped in pairs"));
                }
                return Ok(match word {
                    "and" => Condition::And(both),
                    _ => Condition::Or(both),
                });
            }
        }
        Ok(first)
    }

    fn criterion(&mut self) -> Result<Condition, Answer> {
        if self.takes(&Token::Sign("(")) {
            let inner = self.condition()?;
            self.sign(")")?;
            return Ok(inner);
        }
        self.criteria += 1;
        let name = self.name()?;
        let field = self.field(&name)?;
        if field.kind == Type::Long || field.kind == Type::People {
            let details = json!({"column_name": name, "cv_criteria": false});
            return Err(invalid("unsupported column in criteria", &details));
        }
        if self.takes_word("is") {
            let is_not = self.takes_word("not");
            self.word("null")?;
            return Ok(Condition::Null(field, !is_not));
        }
        if self.takes_word("in") {
            self.sign("(")?;
            let mut values = vec![self.value(field)?];
            while self.takes(&Token::Sign(",")) {
                values.push(self.value(field)?);
            }
            self.sign(")")?;
            if values.len() > MOST_VALUES {
                return Err(limit("values", MOST_VALUES));
            }
            let compared = values.iter().map(|it| it.to_lowercase()).collect();
            return Ok(Condition::In(field, values, compared));
        }
        if self.takes_word("like") {
            if !field.kind.is_text() {
                let details = json!({"column_name": name, "operator": "like"});
                return Err(invalid("invalid operator found", &details));
            }
            let Some(Token::Text(pattern)) = self.next() else {
                return Err(syntax("a pattern is due"));
            };
            return like(field, &pattern);
        }
        for sign in ["=", "<=", ">=", "<", ">"] {
            if self.takes(&Token::Sign(sign)) {
                let ordered =
                    matches!(field.kind, Type::Id | Type::Time | Type::Number | Type::Day);
                if sign != "=" && !ordered {
                    let details = json!({"column_name": name, "operator": sign});
                    return Err(invalid("invalid operator found", &details));
                }
                return Ok(Condition::Compare(field, sign, self.value(field)?));
            }
        }
        Err(syntax("an operator is due"))
    }

    /// Whether it is in the order of times; ids decide in the end, as they do without an order.
    fn order(&mut self) -> Result<bool, Answer> {
        if !self.takes_word("order") {
            return Ok(false);
        }
        self.word("by")?;
        let mut names = Vec::new();
        loop {
            names.push(self.name()?);
            if !self.takes_word("asc") && self.next_is("desc") {
                return Err(syntax("this stand-in knows no descending order"));
            }
            if !self.takes(&Token::Sign(",")) {
                break;
            }
        }
        match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["id"] => Ok(false),
            ["Modified_Time", "id"] => Ok(true),
            _ => Err(syntax("this stand-in does not know this order")),
        }
    }

    fn limit(&mut self) -> Result<(usize, usize), Answer> {
        if !self.takes_word("limit") {
            return Ok((0, 200));
        }
        let mut offset = 0;
        let mut most = self.number()?;
        if self.takes(&Token::Sign(",")) {
            (offset, most) = (most, self.number()?);
        } else if self.takes_word("offset") {
            offset = self.number()?;
        }
        if !(1..=MOST_ROWS).contains(&most) {
            let details = json!({"limit": most.to_string()});
            return Err(invalid("limit given seems to be invalid", &details));
        }
        if offset + most > MOST_OFFSET {
            return Err(limit("rows", MOST_OFFSET));
        }
        Ok((offset, most))
    }

    fn number(&mut self) -> Result<usize, Answer> {
        match self.next() {
            Some(Token::Word(word)) => word.parse().map_err(|_| syntax("a number is due")),
            _ => Err(syntax("a number is due")),
        }
    }

    /// A value of the field's type.
    fn value(&mut self, field: &Field) -> Result<String, Answer> {
        let Some(Token::Text(text) | Token::Word(text)) = self.next() else {
            return Err(syntax("a value is due"));
        };
        if field.kind.takes(&text) {
            return Ok(text);
        }
        let details = json!({"column_name": field.name, "expected_data_type": field.kind.word()});
        Err(refusal("INVALID_DATA", "invalid data", &details))
    }

    fn field(&self, name: &str) -> Result<&'static Field, Answer> {
        field(self.module, name).ok_or_else(|| {
            let details = json!({ "column_name": name });
            invalid("column given seems to be invalid", &details)
        })
    }

    /// The name of a field or a module, which may be quoted.
    fn name(&mut self) -> Result<String, Answer> {
        match self.next() {
            Some(Token::Word(name) | Token::Text(name)) => Ok(name),
            _ => Err(syntax("a name is due")),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Answer> {
        let is_there = self.takes_word(word);
        is_there.then_some(()).ok_or_else(|| syntax(word))
    }

    fn sign(&mut self, sign: &'static str) -> Result<(), Answer> {
        let is_there = self.takes(&Token::Sign(sign));
        is_there.then_some(()).ok_or_else(|| syntax(sign))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_it = self.next_is(word);
        self.at += usize::from(is_it);
        is_it
    }

    fn next_is(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(it)) if it.eq_ignore_ascii_case(word))
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is_it = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(is_it);
        is_it
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }
}

/// Reads a pattern, which has wildcards at its ends only.
fn like(field: &'static Field, pattern: &str) -> Result<Condition, Answer> {
    let (before, text) = match pattern.strip_prefix('%') {
        Some(text) => (true, text),
        None => (false, pattern),
    };
    let (text, behind) = match text.strip_suffix('%') {
        Some(text) => (text, true),
        None => (text, false),
    };
    if text.contains('%') || text.is_empty() {
        return Err(syntax("a wildcard stands at the ends of a text only"));
    }
    Ok(Condition::Like(field, before, text.to_lowercase(), behind))
}

impl Condition {
    /// Whether a row meets it.
    pub fn is_met(&self, row: &Row) -> bool {
        match self {
            Self::And(both) => both.0.is_met(row) && both.1.is_met(row),
            Self::Or(both) => both.0.is_met(row) || both.1.is_met(row),
            Self::In(field, _, compared) => {
                let value = field.text(row);
                !value.is_empty() && compared.contains(&value.to_lowercase())
            }
            Self::Compare(field, sign, than) => {
                let value = field.text(row);
                if value.is_empty() {
                    return false;
                }
                let order = field.kind.order(&value, than);
                match *sign {
                    "=" => order.is_eq(),
                    "<" => order.is_lt(),
                    ">" => order.is_gt(),
                    "<=" => order.is_le(),
                    _ => order.is_ge(),
                }
            }
            Self::Like(field, before, text, behind) => {
                let value = field.text(row).to_lowercase();
                match (before, behind) {
                    (true, true) => value.contains(text),
                    (true, false) => value.ends_with(text),
                    (false, true) => value.starts_with(text),
                    (false, false) => value == *text,
                }
            }
            Self::Null(field, is_null) => field.text(row).is_empty() == *is_null,
        }
    }

    /// The id behind which all rows are that meet it, if it says so at its top.
    pub fn behind(&self) -> Option<&str> {
        match self {
            Self::Compare(field, ">", id) if field.kind == Type::Id => Some(id),
            Self::And(both) => both.0.behind().or_else(|| both.1.behind()),
            _ => None,
        }
    }

    /// The time from which on all rows are that meet it, likewise.
    pub fn since(&self) -> Option<i64> {
        match self {
            Self::Compare(field, ">=" | ">" | "=", at) if field.name == "Modified_Time" => {
                crate::Office::parse(at)
            }
            Self::And(both) => both.0.since().max(both.1.since()),
            Self::Or(both) => both.0.since().zip(both.1.since()).map(|it| it.0.min(it.1)),
            _ => None,
        }
    }

    /// All texts that it compares with, for tests.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::And(both) | Self::Or(both) => [both.0.texts(), both.1.texts()].concat(),
            Self::In(_, values, _) => values.clone(),
            Self::Compare(_, _, text) | Self::Like(_, _, text, _) => vec![text.clone()],
            Self::Null(..) => Vec::new(),
        }
    }
}

impl Query {
    /// A row as the answer has it: lookups have ids only.
    pub fn shown(&self, row: &Row) -> Value {
        let mut shown = json!({ "id": row.id });
        for field in fields(self.module) {
            if self.columns.contains(&field.name) {
                shown[field.name] = field.shown(row);
            }
        }
        shown
    }
}

fn syntax(near: &str) -> Answer {
    let details = json!({ "near": near });
    refusal(
        "SYNTAX_ERROR",
        "error occured while parsing the query",
        &details,
    )
}

fn invalid(message: &str, details: &Value) -> Answer {
    refusal("INVALID_QUERY", message, details)
}

fn limit(of: &str, most: usize) -> Answer {
    let details = json!({"limit": most, "of": of});
    refusal("LIMIT_EXCEEDED", "the limit is exceeded", &details)
}

fn refusal(code: &str, message: &str, details: &Value) -> Answer {
    let body = json!({"code": code, "message": message, "details": details, "status": "error"});
    Answer::json(400, &body)
}
