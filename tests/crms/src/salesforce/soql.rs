//! SOQL: tokens, then a tree. Whatever the grammar does not have is an error, as in Salesforce.

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The fields, in their order.
    pub fields: Vec<String>,
    /// Records of child relations that come with each record.
    pub children: Vec<Self>,
    /// The object, or the child relation.
    pub from: String,
    /// What records have to meet.
    pub condition: Option<Condition>,
    /// The fields that decide the order, ascending.
    pub order: Vec<String>,
    /// The most records.
    pub limit: Option<usize>,
}

/// What a record has to meet.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of these.
    And(Vec<Self>),
    /// One of these.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// A comparison with one value.
    Compare(String, Operator, Value),
    /// One of some values.
    In(String, Vec<Value>),
    /// One of the values that a field of other records has.
    Join(String, Box<Query>),
}

/// How a field and a value are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `LIKE`
    Like,
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text; of each character whether it was escaped as a wildcard.
    Text(Vec<(char, bool)>),
    /// A date, a time or a number, which have no quotes.
    Bare(String),
    /// `true` or `false`.
    Truth(bool),
    /// `null`
    Null,
}

impl Value {
    /// The characters of a text that is no pattern.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.iter().map(|it| it.0).collect()),
            Self::Bare(_) | Self::Truth(_) | Self::Null => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(Vec<(char, bool)>),
    Bare(String),
    Sign(&'static str),
}

/// Reads a query; the error is what Salesforce says.
pub fn parse(text: &str) -> Result<Query, String> {
    if text.chars().count() > 100_000 {
        return Err("SOQL statements cannot be longer than 100000 characters".to_owned());
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
    };
    let query = parser.query()?;
    match parser.peek() {
        None => Ok(query),
        Some(token) => Err(unexpected(token)),
    }
}

fn unexpected(token: &Token) -> String {
    match token {
        Token::Word(it) | Token::Bare(it) => format!("unexpected token: '{it}'"),
        Token::Text(_) => "unexpected token: a text".to_owned(),
        Token::Sign(it) => format!("unexpected token: '{it}'"),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SIGNS: [&str; 9] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ","];
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == ' ' {
            rest = split(rest, 1).1;
        } else if let Some(sign) = SIGNS.iter().find(|it| rest.starts_with(**it)) {
            tokens.push(Token::Sign(sign));
            rest = split(rest, sign.len()).1;
        } else if first == '\'' {
            let (text, length) = quoted(rest)?;
            tokens.push(Token::Text(text));
            rest = split(rest, length).1;
        } else if first.is_ascii_alphabetic() {
            let is_part = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.');
            let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
            let (word, behind) = split(rest, end);
            tokens.push(Token::Word(word.to_owned()));
            rest = behind;
        } else if first.is_ascii_digit() {
            let is_part = |it: char| it.is_ascii_alphanumeric() || "-:+.".contains(it);
            let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
            let (bare, behind) = split(rest, end);
            tokens.push(Token::Bare(bare.to_owned()));
            rest = behind;
        } else {
            return Err(format!("line 1: unexpected character {first:?}"));
        }
    }
    Ok(tokens)
}

fn split(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// Reads a text in quotes, and answers how many bytes it takes.
fn quoted(text: &str) -> Result<(Vec<(char, bool)>, usize), String> {
    let mut read = Vec::new();
    let mut rest = text.char_indices().skip(1);
    while let Some((at, it)) = rest.next() {
        match it {
            '\'' if read.len() > 4_000 => {
                return Err("a string literal cannot be longer than 4000 characters".to_owned());
            }
            '\'' => return Ok((read, at + 1)),
            '\\' => {
                let (_, escaped) = rest.next().ok_or("unterminated string literal")?;
                read.push(match escaped {
                    'n' | 'N' => ('\n', false),
                    'r' | 'R' => ('\r', false),
                    't' | 'T' => ('\t', false),
                    'b' | 'B' => ('\u{8}', false),
                    'f' | 'F' => ('\u{c}', false),
                    '"' | '\'' | '\\' => (escaped, false),
                    '_' | '%' => (escaped, true),
                    'u' => {
                        let digits: String = rest.by_ref().take(4).map(|it| it.1).collect();
                        let code = u32::from_str_radix(&digits, 16)
                            .ok()
                            .and_then(char::from_u32);
                        (code.ok_or("invalid unicode escape")?, false)
                    }
                    other => return Err(format!("Invalid string literal: \\{other}")),
                });
            }
            it if it.is_control() => return Err("a control character in a literal".to_owned()),
            it => read.push((it, false)),
        }
    }
    Err("unterminated string literal".to_owned())
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, String> {
        let token = self.peek().cloned().ok_or("unexpected end of the query")?;
        self.at += 1;
        Ok(token)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(it)) if it.eq_ignore_ascii_case(word))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_it = self.is_word(word);
        self.at += usize::from(is_it);
        is_it
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Sign(it)) if *it == sign);
        self.at += usize::from(is_it);
        is_it
    }

    fn need(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(self
            .peek()
            .map_or_else(|| format!("expecting '{sign}'"), unexpected))
    }

    fn need_word(&mut self, word: &str) -> Result<(), String> {
        if self.takes_word(word) {
            return Ok(());
        }
        Err(self
            .peek()
            .map_or_else(|| format!("expecting {word}"), unexpected))
    }

    fn name(&mut self) -> Result<String, String> {
        const RESERVED: [&str; 12] = [
            "SELECT", "FROM", "WHERE", "ORDER", "BY", "LIMIT", "AND", "OR", "NOT", "IN", "LIKE",
            "NULL",
        ];
        match self.next()? {
            Token::Word(it) if !RESERVED.iter().any(|word| it.eq_ignore_ascii_case(word)) => Ok(it),
            token => Err(unexpected(&token)),
        }
    }

    fn query(&mut self) -> Result<Query, String> {
        self.need_word("SELECT")?;
        let (mut fields, mut children) = (Vec::new(), Vec::new());
        loop {
            if self.takes("(") {
                children.push(self.query()?);
                self.need(")")?;
            } else {
                fields.push(self.name()?);
            }
            if !self.takes(",") {
                break;
            }
        }
        self.need_word("FROM")?;
        let from = self.name()?;
        let condition = match self.takes_word("WHERE") {
            true => Some(self.condition()?),
            false => None,
        };
        let mut order = Vec::new();
        if self.takes_word("ORDER") {
            self.need_word("BY")?;
            order.push(self.name()?);
            while self.takes(",") {
                order.push(self.name()?);
            }
        }
        let limit = match self.takes_word("LIMIT") {
            true => match self.next()? {
                Token::Bare(it) => Some(it.parse().map_err(|_| format!("unexpected token: {it}"))?),
                token => return Err(unexpected(&token)),
            },
            false => None,
        };
        Ok(Query {
            fields,
            children,
            from,
            condition,
            order,
            limit,
        })
    }

    /// Reads conditions; AND and OR mix in parentheses only.
    fn condition(&mut self) -> Result<Condition, String> {
        let first = self.term()?;
        for (word, other) in [("AND", "OR"), ("OR", "AND")] {
            if self.is_word(word) {
                let mut parts = vec![first];
                while self.takes_word(word) {
                    parts.push(self.term()?);
                }
                if self.is_word(other) {
                    return Err(format!("unexpected token: {other}"));
                }
                return Ok(match word {
                    "AND" => Condition::And(parts),
                    _ => Condition::Or(parts),
                });
            }
        }
        Ok(first)
    }

    fn term(&mut self) -> Result<Condition, String> {
        if self.takes_word("NOT") {
            return Ok(Condition::Not(Box::new(self.term()?)));
        }
        if self.takes("(") {
            let inner = self.condition()?;
            self.need(")")?;
            return Ok(inner);
        }
        let field = self.name()?;
        if self.takes_word("IN") {
            self.need("(")?;
            if self.is_word("SELECT") {
                let query = self.query()?;
                self.need(")")?;
                return Ok(Condition::Join(field, Box::new(query)));
            }
            let mut values = vec![self.value()?];
            while self.takes(",") {
                values.push(self.value()?);
            }
            self.need(")")?;
            return Ok(Condition::In(field, values));
        }
        let operator = if self.takes_word("LIKE") {
            Operator::Like
        } else {
            match self.next()? {
                Token::Sign("=") => Operator::Equal,
                Token::Sign("!=") => Operator::Unequal,
                Token::Sign("<") => Operator::Less,
                Token::Sign("<=") => Operator::AtMost,
                Token::Sign(">") => Operator::More,
                Token::Sign(">=") => Operator::AtLeast,
                token => return Err(unexpected(&token)),
            }
        };
        let value = self.value()?;
        let is_pattern = matches!(&value, Value::Text(text) if text.iter().any(|it| it.1));
        if is_pattern && operator != Operator::Like {
            return Err("Invalid string literal: \\_ and \\% are for LIKE".to_owned());
        }
        Ok(Condition::Compare(field, operator, value))
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.next()? {
            Token::Text(text) => Ok(Value::Text(text)),
            Token::Bare(it) => Ok(Value::Bare(it)),
            Token::Word(it) if it.eq_ignore_ascii_case("null") => Ok(Value::Null),
            Token::Word(it) if it.eq_ignore_ascii_case("true") => Ok(Value::Truth(true)),
            Token::Word(it) if it.eq_ignore_ascii_case("false") => Ok(Value::Truth(false)),
            token => Err(unexpected(&token)),
        }
    }
}
