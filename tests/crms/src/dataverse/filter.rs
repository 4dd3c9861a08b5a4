//! The conditions of `$filter`: read into tokens, then into a tree, and then compared with rows.

use std::collections::BTreeSet;

use serde_json::Value;

use super::schema::{Schema, Type};
use super::store::Record;

/// The most conditions in one query.
const MOST: usize = 500;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of them.
    All(Vec<Self>),
    /// One of them.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// A property compared (`eq`, `ne`, `gt`, `ge`, `lt`, `le`) with a literal.
    Compare(String, String, Literal),
    /// `contains`, `startswith` or `endswith`: a property, and a text with wildcards.
    Like(String, String, String),
    /// A column has one of these, in lower case.
    In(String, BTreeSet<String>),
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A text.
    Text(String),
    /// A guid.
    Guid(String),
    /// A number.
    Number(i64),
    /// True or false.
    Flag(bool),
    /// A time in milliseconds since the Unix epoch.
    Time(i64),
    /// Nothing.
    Null,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// Reads a condition; `aliases` are the parameters that begin with `@`.
pub(super) fn parse(
    text: &str,
    aliases: &[(String, String)],
    schema: &Schema,
    custom: &[String],
) -> Result<Condition, String> {
    let mut reader = Reader {
        tokens: tokens(text)?,
        at: 0,
        conditions: 0,
        aliases,
        schema,
        custom,
    };
    let condition = reader.any()?;
    match reader.tokens.get(reader.at) {
        None => Ok(condition),
        Some(token) => Err(format!("Syntax error at {token:?} in '{text}'.")),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(it) = rest.next() {
        match it {
            ' ' => {}
            '(' | ')' | ',' | '=' => tokens.push(Token::Sign(it)),
            '\'' => {
                let mut literal = String::new();
                loop {
                    match rest.next() {
                        None => {
                            return Err(format!("There is an unterminated literal in '{text}'."));
                        }
                        Some('\'') if rest.peek() == Some(&'\'') => {
                            rest.next();
                            literal.push('\'');
                        }
                        Some('\'') => break,
                        Some(it) => literal.push(it),
                    }
                }
                tokens.push(Token::Text(literal));
            }
            it if is_word(it) => {
                let mut word = String::from(it);
                while let Some(it) = rest.next_if(|it| is_word(*it)) {
                    word.push(it);
                }
                tokens.push(Token::Word(word));
            }
            it => {
                return Err(format!(
                    "Syntax error: character '{it}' is not valid in '{text}'."
                ));
            }
        }
    }
    Ok(tokens)
}

fn is_word(it: char) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-' | ':' | '@')
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    conditions: usize,
    aliases: &'a [(String, String)],
    schema: &'a Schema,
    custom: &'a [String],
}

impl Reader<'_> {
    fn any(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.one()?];
        while self.takes_word("and") {
            parts.push(self.one()?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn one(&mut self) -> Result<Condition, String> {
        if self.takes_word("not") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.takes(&Token::Sign('(')) {
            let inner = self.any()?;
            self.need(')')?;
            return Ok(inner);
        }
        self.conditions += 1;
        if MOST < self.conditions {
            return Err("Number of conditions in query exceeded maximum limit.".to_owned());
        }
        let word = self.word()?;
        match word.as_str() {
            "contains" | "startswith" | "endswith" => self.like(word),
            "Microsoft.Dynamics.CRM.In" => self.is_in(),
            _ => self.compare(word),
        }
    }

    fn like(&mut self, function: String) -> Result<Condition, String> {
        self.need('(')?;
        let property = self.word()?;
        if !matches!(self.kind(&property)?, Type::Text(_)) {
            return Err(format!("No function signature for '{function}' matches."));
        }
        self.need(',')?;
        let pattern = self.text()?;
        self.need(')')?;
        // Wildcards at the open end are not supported.
        let open = match function.as_str() {
            "startswith" => pattern.starts_with('%'),
            "endswith" => pattern.ends_with('%'),
            _ => false,
        };
        if open {
            return Err("Trailing wildcards are not supported.".to_owned());
        }
        Ok(Condition::Like(function, property, pattern))
    }

    fn is_in(&mut self) -> Result<Condition, String> {
        self.need('(')?;
        self.need_word("PropertyName")?;
        self.need('=')?;
        let name = match self.next()? {
            Token::Text(name) => name,
            Token::Word(alias) => self.alias(&alias)?.trim_matches('\'').to_owned(),
            Token::Sign(sign) => return Err(format!("Syntax error at '{sign}'.")),
        };
        let entity = self.schema.name;
        let column = self.schema.named(&name);
        if column.is_none() && !self.custom.contains(&name) {
            return Err(format!(
                "'{entity}' entity doesn't contain attribute with Name = '{name}'"
            ));
        }
        self.need(',')?;
        self.need_word("PropertyValues")?;
        self.need('=')?;
        let alias = self.word()?;
        let values = self.alias(&alias)?;
        let values: Vec<String> =
            serde_json::from_str(values).map_err(|error| format!("Invalid JSON. {error}"))?;
        self.need(')')?;
        if values.is_empty() || 1_000 < values.len() {
            return Err(format!("{} values are not supported.", values.len()));
        }
        if column.is_some_and(|it| matches!(it.kind, Type::Id | Type::Lookup(_)))
            && let Some(wrong) = values.iter().find(|it| !is_guid(it))
        {
            return Err(format!("Expected Guid, and found '{wrong}'."));
        }
        let property = column.map_or(name, super::schema::Column::property);
        let values = values.iter().map(|it| it.to_lowercase()).collect();
        Ok(Condition::In(property, values))
    }

    fn compare(&mut self, property: String) -> Result<Condition, String> {
        let kind = self.kind(&property)?;
        let operator = self.word()?;
        if !["eq", "ne", "gt", "ge", "lt", "le"].contains(&operator.as_str()) {
            return Err(format!("Syntax error at '{operator}'."));
        }
        let literal = match self.next()? {
            Token::Text(text) => Literal::Text(text),
            Token::Word(word) => literal(&word)?,
            Token::Sign(sign) => return Err(format!("Syntax error at '{sign}'.")),
        };
        let is_equality = operator == "eq" || operator == "ne";
        let fits = match (kind, &literal) {
            (_, Literal::Null) => is_equality,
            (Type::Text(_), Literal::Text(_)) => true,
            (Type::Id | Type::Lookup(_), Literal::Guid(_)) => is_equality,
            (Type::Number | Type::Money, Literal::Number(_)) => true,
            (Type::Flag, Literal::Flag(_)) => is_equality,
            (Type::Time, Literal::Time(_)) => true,
            _ => false,
        };
        if !fits {
            return Err(format!(
                "A binary operator with incompatible types was detected. Found '{property}' and '{literal:?}' for '{operator}'."
            ));
        }
        Ok(Condition::Compare(property, operator, literal))
    }

    fn kind(&self, property: &str) -> Result<Type, String> {
        if self.custom.iter().any(|it| it == property) {
            return Ok(Type::Text(4_000));
        }
        let column = self.schema.property(property);
        column.map(|it| it.kind).ok_or_else(|| {
            let entity = self.schema.name;
            format!(
                "Could not find a property named '{property}' on type 'Microsoft.Dynamics.CRM.{entity}'."
            )
        })
    }

    fn alias(&self, name: &str) -> Result<&str, String> {
        let mut aliases = self.aliases.iter();
        let alias = aliases.find(|it| it.0 == name);
        let alias = alias.ok_or_else(|| format!("The parameter alias '{name}' has no value."))?;
        Ok(&alias.1)
    }

    fn next(&mut self) -> Result<Token, String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token.ok_or_else(|| "Syntax error: the expression ends too early.".to_owned())
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            other => Err(format!("Syntax error at {other:?}.")),
        }
    }

    fn text(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Text(text) => Ok(text),
            other => Err(format!("Syntax error at {other:?}.")),
        }
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is_it = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(is_it);
        is_it
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.takes(&Token::Word(word.to_owned()))
    }

    fn need(&mut self, sign: char) -> Result<(), String> {
        match self.takes(&Token::Sign(sign)) {
            true => Ok(()),
            false => Err(format!("Syntax error: '{sign}' was expected.")),
        }
    }

    fn need_word(&mut self, word: &str) -> Result<(), String> {
        match self.takes_word(word) {
            true => Ok(()),
            false => Err(format!("Syntax error: '{word}' was expected.")),
        }
    }
}

fn one_or(mut parts: Vec<Condition>, joined: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.len() {
        1 => parts.remove(0),
        _ => joined(parts),
    }
}

fn literal(word: &str) -> Result<Literal, String> {
    let read = match word {
        "null" => Some(Literal::Null),
        "true" => Some(Literal::Flag(true)),
        "false" => Some(Literal::Flag(false)),
        word if is_guid(word) => Some(Literal::Guid(word.to_lowercase())),
        word => {
            let number = word.parse().ok().map(Literal::Number);
            number.or_else(|| crate::Office::parse(word).map(Literal::Time))
        }
    };
    read.ok_or_else(|| format!("Unrecognized literal '{word}'."))
}

/// Tells whether a text is a guid.
pub(super) fn is_guid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == lengths.len()
        && parts.iter().zip(lengths).all(|(part, length)| {
            part.len() == length && part.bytes().all(|it| it.is_ascii_hexdigit())
        })
}

impl Condition {
    pub(super) fn is_met(&self, row: &Record) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|it| it.is_met(row)),
            Self::Any(parts) => parts.iter().any(|it| it.is_met(row)),
            Self::Not(part) => !part.is_met(row),
            Self::Compare(property, operator, literal) => {
                let value = row.value(property);
                match ordering(&value, literal) {
                    Some(ordering) => match operator.as_str() {
                        "eq" => ordering.is_eq(),
                        "ne" => ordering.is_ne(),
                        "gt" => ordering.is_gt(),
                        "ge" => ordering.is_ge(),
                        "lt" => ordering.is_lt(),
                        _ => ordering.is_le(),
                    },
                    None => operator == "ne",
                }
            }
            Self::Like(function, property, pattern) => {
                let value = row.value(property);
                let Some(text) = value.as_str() else {
                    return false;
                };
                let pattern = match function.as_str() {
                    "contains" => format!("%{pattern}%"),
                    "startswith" => format!("{pattern}%"),
                    _ => format!("%{pattern}"),
                };
                let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
                let text: Vec<char> = text.chars().collect();
                let pattern: Vec<char> = pattern.chars().collect();
                is_like(&text, &pattern)
            }
            Self::In(property, values) => {
                let value = row.value(property);
                let text = value.as_str().map(str::to_lowercase);
                text.is_some_and(|it| values.contains(&it))
            }
        }
    }
}

/// Compares as the database does: texts without regard to case and to blanks at the end.
fn ordering(value: &Value, literal: &Literal) -> Option<std::cmp::Ordering> {
    let text = |it: &str| it.trim_end_matches(' ').to_lowercase();
    match (value, literal) {
        (Value::Null, Literal::Null) => Some(std::cmp::Ordering::Equal),
        (Value::String(it), Literal::Text(other)) => Some(text(it).cmp(&text(other))),
        (Value::String(it), Literal::Guid(other)) => Some(it.cmp(other)),
        (Value::String(it), Literal::Time(other)) => Some(crate::Office::parse(it)?.cmp(other)),
        (Value::Number(it), Literal::Number(other)) => Some(it.as_i64()?.cmp(other)),
        (Value::Bool(it), Literal::Flag(other)) => Some(it.cmp(other)),
        _ => None,
    }
}

/// T-SQL's `LIKE`: `%`, `_`, `[set]` and `[^set]`.
fn is_like(text: &[char], pattern: &[char]) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return text.is_empty();
    };
    match first {
        '%' => (0..=text.len()).any(|at| is_like(text.get(at..).unwrap_or_default(), rest)),
        '_' => !text.is_empty() && is_like(text.get(1..).unwrap_or_default(), rest),
        '[' => {
            let Some(end) = rest.iter().position(|it| *it == ']') else {
                return false;
            };
            let (set, rest) = (rest.get(..end), rest.get(end + 1..));
            let (set, rest) = (set.unwrap_or_default(), rest.unwrap_or_default());
            let Some((it, text)) = text.split_first() else {
                return false;
            };
            let is_in = match set.split_first() {
                Some(('^', set)) => !is_in_set(*it, set),
                _ => is_in_set(*it, set),
            };
            is_in && is_like(text, rest)
        }
        literal => {
            text.first() == Some(literal) && is_like(text.get(1..).unwrap_or_default(), rest)
        }
    }
}

/// Whether a character is one of a set, in which `a-z` is a range.
fn is_in_set(it: char, set: &[char]) -> bool {
    match set {
        [from, '-', to, rest @ ..] => (*from..=*to).contains(&it) || is_in_set(it, rest),
        [first, rest @ ..] => *first == it || is_in_set(it, rest),
        [] => false,
    }
}
