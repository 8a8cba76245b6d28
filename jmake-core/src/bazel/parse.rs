//! The language of `BUILD` files as a tree.  What is not a call or an assignment at the left
//! margin is passed over: functions, and what stands in them.

use super::lex::{Token, tokens};

/// Expressions are not higher than this, and brackets not nested deeper.
const HIGHEST: usize = 120;
const NESTED: usize = 60;

/// An expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expr {
    /// A text.
    Text(String),
    /// A number, or `True` and `False` as 1 and 0.
    Number(i64),
    /// A variable.
    Name(String),
    /// `[…]` or `(…,)`
    List(Vec<Expr>),
    /// `{…}`
    Dict(Vec<(Expr, Expr)>),
    /// `[x for a, b in y if z]`
    Each(Box<Each>),
    /// `f(…)`: the name with its dots, those without a name, those with one.
    Call(String, Vec<Expr>, Vec<(String, Expr)>),
    /// `x.name(…)`
    Method(Box<Expr>, String, Vec<Expr>),
    /// `x[y]`
    Index(Box<Expr>, Box<Expr>),
    /// `x sign y`
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `x if y else z`
    Choice(Box<(Expr, Expr, Expr)>),
    /// `not x`
    Not(Box<Expr>),
}

/// `x for names in all if condition`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Each {
    /// What is made of each.
    pub body: Expr,
    /// What each is called.
    pub names: Vec<String>,
    /// All of them.
    pub all: Expr,
    /// Which count.
    pub condition: Option<Expr>,
}

/// A statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Statement {
    /// `name = x`, or `+=`.
    Assign(String, bool, Expr),
    /// A call.
    Expr(Expr),
}

/// The statements of `text`.
pub fn parse(text: &str) -> Vec<Statement> {
    let mut parser = Parser { tokens: tokens(text), at: 0, depth: 0 };
    let mut all = Vec::new();
    while parser.at < parser.tokens.len() {
        if let Some(Token::Line(_)) = parser.token() {
            parser.at += 1;
            continue;
        }
        let from = parser.at;
        let is_block = ["def", "for", "if", "elif", "else", "while"].iter().any(|word| parser.is_name(word));
        let statement = if is_block { None } else { parser.statement() };
        match statement {
            Some(statement) => all.push(statement),
            None => {
                parser.at = parser.at.max(from + 1);
                parser.skip_line();
            }
        }
        parser.skip_block();
    }
    all
}

/// An expression and its height.
type Tall = (Expr, usize);

/// What a call is given: values without and with names, and how high they are.
struct Args {
    plain: Vec<Expr>,
    named: Vec<(String, Expr)>,
    height: usize,
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn token(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token(), Some(Token::Sign(other)) if *other == sign)
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.token(), Some(Token::Name(other)) if other == name)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is_here = self.is_sign(sign);
        self.at += usize::from(is_here);
        is_here
    }

    fn take_name(&mut self, name: &str) -> bool {
        let is_here = self.is_name(name);
        self.at += usize::from(is_here);
        is_here
    }

    fn need_sign(&mut self, sign: &str) -> Option<()> {
        self.take_sign(sign).then_some(())
    }

    fn name(&mut self) -> Option<String> {
        let Some(Token::Name(name)) = self.token() else { return None };
        let name = name.clone();
        self.at += 1;
        Some(name)
    }

    fn skip_line(&mut self) {
        while self.token().is_some_and(|token| !matches!(token, Token::Line(_))) {
            self.at += 1;
        }
    }

    /// Skips lines that are moved in.
    fn skip_block(&mut self) {
        while let Some(Token::Line(indent)) = self.token() {
            let is_inside = *indent > 0;
            self.at += 1;
            if !is_inside {
                return;
            }
            self.skip_line();
        }
    }

    fn statement(&mut self) -> Option<Statement> {
        if let (Some(Token::Name(name)), Some(Token::Sign(sign @ ("=" | "+=")))) =
            (self.token(), self.tokens.get(self.at + 1))
        {
            let (name, adds) = (name.clone(), *sign == "+=");
            self.at += 2;
            let (value, _) = self.expr()?;
            return self.at_end().then_some(Statement::Assign(name, adds, value));
        }
        let (value, _) = self.expr()?;
        self.at_end().then_some(Statement::Expr(value))
    }

    fn at_end(&self) -> bool {
        matches!(self.token(), None | Some(Token::Line(_)))
    }

    fn nested(&mut self, read: fn(&mut Parser) -> Option<Tall>) -> Option<Tall> {
        if self.depth > NESTED {
            return None;
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn expr(&mut self) -> Option<Tall> {
        let (value, height) = self.either()?;
        if !self.take_name("if") {
            return Some((value, height));
        }
        let (condition, left) = self.either()?;
        if !self.take_name("else") {
            return None;
        }
        let (other, right) = self.nested(Parser::expr)?;
        tall(Expr::Choice(Box::new((value, condition, other))), height.max(left).max(right))
    }

    fn either(&mut self) -> Option<Tall> {
        self.chain(Parser::both, &[], &["or"])
    }

    fn both(&mut self) -> Option<Tall> {
        self.chain(Parser::compared, &[], &["and"])
    }

    fn compared(&mut self) -> Option<Tall> {
        if self.take_name("not") {
            let (inner, height) = self.nested(Parser::compared)?;
            return tall(Expr::Not(Box::new(inner)), height);
        }
        let (left, height) = self.sum()?;
        let is_not = self.is_name("not")
            && matches!(self.tokens.get(self.at + 1), Some(Token::Name(name)) if name == "in");
        self.at += usize::from(is_not);
        if self.take_name("in") {
            let (right, other) = self.sum()?;
            let (is_in, height) =
                tall(Expr::Binary("in", Box::new(left), Box::new(right)), height.max(other))?;
            return if is_not { tall(Expr::Not(Box::new(is_in)), height) } else { Some((is_in, height)) };
        }
        for sign in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.take_sign(sign) {
                let (right, other) = self.sum()?;
                return tall(Expr::Binary(sign, Box::new(left), Box::new(right)), height.max(other));
            }
        }
        Some((left, height))
    }

    fn sum(&mut self) -> Option<Tall> {
        self.chain(Parser::single, &["+", "-", "%", "*", "|", "//"], &[])
    }

    fn chain(
        &mut self,
        part: fn(&mut Parser) -> Option<Tall>,
        signs: &[&'static str],
        words: &[&'static str],
    ) -> Option<Tall> {
        let (mut left, mut height) = part(self)?;
        loop {
            let sign = signs.iter().find(|sign| self.is_sign(sign));
            let Some(sign) = sign.or_else(|| words.iter().find(|word| self.is_name(word))) else {
                return Some((left, height));
            };
            self.at += 1;
            let (right, other) = part(self)?;
            (left, height) = tall(Expr::Binary(sign, Box::new(left), Box::new(right)), height.max(other))?;
        }
    }

    fn single(&mut self) -> Option<Tall> {
        self.take_sign("-");
        let (mut expr, mut height) = self.nested(Parser::atom)?;
        loop {
            if self.take_sign(".") {
                let name = self.name()?;
                if !self.take_sign("(") {
                    // A name with dots, such as `native.cc_library`.
                    let Expr::Name(before) = expr else { return None };
                    expr = Expr::Name(format!("{before}.{name}"));
                    continue;
                }
                let Args { plain, named, height: other } = self.args()?;
                let whole = match expr {
                    Expr::Name(before) if before == "native" => Expr::Call(name, plain, named),
                    object => Expr::Method(Box::new(object), name, plain),
                };
                (expr, height) = tall(whole, height.max(other))?;
            } else if self.take_sign("[") {
                let (index, other) = self.nested(Parser::expr)?;
                self.need_sign("]")?;
                (expr, height) = tall(Expr::Index(Box::new(expr), Box::new(index)), height.max(other))?;
            } else {
                return Some((expr, height));
            }
        }
    }

    fn atom(&mut self) -> Option<Tall> {
        let token = self.token()?.clone();
        self.at += 1;
        match token {
            Token::Text(text) => Some((Expr::Text(text), 1)),
            Token::Number(number) => Some((Expr::Number(number), 1)),
            Token::Name(name) if name == "True" || name == "False" => {
                Some((Expr::Number(i64::from(name == "True")), 1))
            }
            Token::Name(name) if self.take_sign("(") => {
                let Args { plain, named, height } = self.args()?;
                tall(Expr::Call(name, plain, named), height)
            }
            Token::Name(name) => Some((Expr::Name(name), 1)),
            Token::Sign("(") => self.list(")"),
            Token::Sign("[") => self.list("]"),
            Token::Sign("{") => self.dict(),
            _ => None,
        }
    }

    /// What stands in brackets: a list, an expression, or what is made of each.
    fn list(&mut self, close: &str) -> Option<Tall> {
        let (mut all, mut highest, mut has_comma) = (Vec::new(), 0, false);
        while !self.take_sign(close) {
            let (one, height) = self.nested(Parser::expr)?;
            highest = highest.max(height);
            if self.take_name("for") {
                return self.each(one, highest, close);
            }
            all.push(one);
            if self.take_sign(",") {
                has_comma = true;
            } else {
                self.need_sign(close)?;
                break;
            }
        }
        match all.pop() {
            Some(one) if close == ")" && !has_comma => Some((one, highest)),
            last => {
                all.extend(last);
                tall(Expr::List(all), highest)
            }
        }
    }

    fn each(&mut self, body: Expr, height: usize, close: &str) -> Option<Tall> {
        let in_brackets = self.take_sign("(");
        let mut names = vec![self.name()?];
        while self.take_sign(",") {
            names.push(self.name()?);
        }
        if in_brackets {
            self.need_sign(")")?;
        }
        if !self.take_name("in") {
            return None;
        }
        let (all, other) = self.nested(Parser::either)?;
        let mut highest = height.max(other);
        let condition = match self.take_name("if") {
            true => {
                let (condition, other) = self.nested(Parser::either)?;
                highest = highest.max(other);
                Some(condition)
            }
            false => None,
        };
        self.need_sign(close)?;
        tall(Expr::Each(Box::new(Each { body, names, all, condition })), highest)
    }

    fn dict(&mut self) -> Option<Tall> {
        let (mut all, mut highest) = (Vec::new(), 0);
        while !self.take_sign("}") {
            let (key, height) = self.nested(Parser::either)?;
            self.need_sign(":")?;
            let (value, other) = self.nested(Parser::expr)?;
            highest = highest.max(height).max(other);
            all.push((key, value));
            if !self.take_sign(",") {
                self.need_sign("}")?;
                break;
            }
        }
        tall(Expr::Dict(all), highest)
    }

    /// What stands behind `(`, up to its `)`.
    fn args(&mut self) -> Option<Args> {
        let (mut plain, mut named, mut highest) = (Vec::new(), Vec::new(), 0);
        while !self.take_sign(")") {
            let name = match (self.token(), self.tokens.get(self.at + 1)) {
                (Some(Token::Name(name)), Some(Token::Sign("="))) => Some(name.clone()),
                _ => None,
            };
            self.at += if name.is_some() { 2 } else { 0 };
            let is_spread = self.take_sign("**") || self.take_sign("*");
            let (value, height) = self.nested(Parser::expr)?;
            highest = highest.max(height);
            match name {
                Some(name) => named.push((name, value)),
                None if is_spread => {}
                None => plain.push(value),
            }
            if self.take_name("for") {
                let (each, height) = self.each(plain.pop()?, highest, ")")?;
                plain.push(each);
                return Some(Args { plain, named, height });
            }
            if !self.take_sign(",") {
                self.need_sign(")")?;
                break;
            }
        }
        Some(Args { plain, named, height: highest })
    }
}

/// An expression one higher than its parts, unless that is too high.
fn tall(expr: Expr, parts: usize) -> Option<Tall> {
    (parts < HIGHEST).then_some((expr, parts + 1))
}
