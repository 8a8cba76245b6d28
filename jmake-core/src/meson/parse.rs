//! Meson's language as a tree.  A statement that cannot be read is passed over, up to its line's
//! end; the others still count.

use super::lex::{Token, tokens};

/// Expressions are not higher than this, nor are brackets and statements nested deeper.
const HIGHEST: usize = 120;
const NESTED: usize = 60;
const DEEPEST: usize = 20;

/// An expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expr {
    /// A text, and whether names in `@…@` are put in.
    Text(String, bool),
    /// A number.
    Number(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A variable.
    Name(String),
    /// `[…]`
    List(Vec<Expr>),
    /// `{…}`
    Dict(Vec<(Expr, Expr)>),
    /// `name(…)`
    Call(String, Args),
    /// `x.name(…)`
    Method(Box<Expr>, String, Args),
    /// `x[…]`
    Index(Box<Expr>, Box<Expr>),
    /// `not x`
    Not(Box<Expr>),
    /// `-x`
    Minus(Box<Expr>),
    /// `x sign y`
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `x ? y : z`
    Choice(Box<(Expr, Expr, Expr)>),
}

/// What a function is given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Args {
    /// Those without a name.
    pub plain: Vec<Expr>,
    /// Those with one.
    pub named: Vec<(String, Expr)>,
}

/// A statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Statement {
    /// An expression, mostly a call.
    Expr(Expr),
    /// `name = x`, or `+=`.
    Assign(String, bool, Expr),
    /// `if`: conditions with what they lead to, and `else`.
    If(Vec<(Expr, Vec<Statement>)>, Vec<Statement>),
    /// `foreach a, b : x`
    Foreach(Vec<String>, Expr, Vec<Statement>),
    /// `break`
    Break,
    /// `continue`
    Continue,
}

/// The statements of `text`.
pub fn parse(text: &str) -> Vec<Statement> {
    let mut parser = Parser { tokens: tokens(text), at: 0, depth: 0 };
    let mut all = Vec::new();
    while parser.at < parser.tokens.len() {
        all.extend(parser.block());
        // An `endif` too many.
        parser.at += 1;
    }
    all
}

/// An expression and its height.
type Tall = (Expr, usize);

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
        while self.token().is_some_and(|token| *token != Token::Line) {
            self.at += 1;
        }
    }

    /// Statements up to a word that ends or divides a block.
    fn block(&mut self) -> Vec<Statement> {
        let mut all = Vec::new();
        self.depth += 1;
        while let Some(token) = self.token() {
            match token {
                Token::Line => self.at += 1,
                Token::Name(name) if matches!(name.as_str(), "endif" | "else" | "elif" | "endforeach") => {
                    break;
                }
                _ if self.depth > DEEPEST => self.skip_line(),
                _ => {
                    let from = self.at;
                    match self.statement() {
                        Some(statement) => all.push(statement),
                        None => {
                            self.at = self.at.max(from + 1);
                            self.skip_line();
                        }
                    }
                }
            }
        }
        self.depth -= 1;
        all
    }

    fn statement(&mut self) -> Option<Statement> {
        if self.take_name("if") {
            return self.conditions();
        }
        if self.take_name("foreach") {
            let mut names = vec![self.name()?];
            while self.take_sign(",") {
                names.push(self.name()?);
            }
            self.need_sign(":")?;
            let (over, _) = self.expr()?;
            let body = self.block();
            self.take_name("endforeach");
            return Some(Statement::Foreach(names, over, body));
        }
        if self.take_name("break") {
            return Some(Statement::Break);
        }
        if self.take_name("continue") {
            return Some(Statement::Continue);
        }
        if let (Some(Token::Name(name)), Some(Token::Sign(sign @ ("=" | "+=")))) =
            (self.token(), self.tokens.get(self.at + 1))
        {
            let (name, adds) = (name.clone(), *sign == "+=");
            self.at += 2;
            return Some(Statement::Assign(name, adds, self.whole()?));
        }
        Some(Statement::Expr(self.whole()?))
    }

    /// An expression with nothing behind it on its line.
    fn whole(&mut self) -> Option<Expr> {
        let (expr, _) = self.expr()?;
        matches!(self.token(), None | Some(Token::Line)).then_some(expr)
    }

    fn conditions(&mut self) -> Option<Statement> {
        let mut all = Vec::new();
        loop {
            // What cannot be read does not hold; its block still ends where it ends.
            let condition = match self.expr() {
                Some((condition, _)) => condition,
                None => {
                    self.skip_line();
                    Expr::Bool(false)
                }
            };
            let body = self.block();
            all.push((condition, body));
            if self.take_name("elif") {
                continue;
            }
            let otherwise = if self.take_name("else") { self.block() } else { Vec::new() };
            self.take_name("endif");
            return Some(Statement::If(all, otherwise));
        }
    }

    fn expr(&mut self) -> Option<Tall> {
        let (condition, height) = self.either()?;
        if !self.take_sign("?") {
            return Some((condition, height));
        }
        let (yes, left) = self.either()?;
        self.need_sign(":")?;
        let (no, right) = self.nested(Parser::expr)?;
        tall(Expr::Choice(Box::new((condition, yes, no))), height.max(left).max(right))
    }

    /// One level further in, if there are not too many already.
    fn nested(&mut self, read: fn(&mut Parser) -> Option<Tall>) -> Option<Tall> {
        if self.depth > NESTED {
            return None;
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn either(&mut self) -> Option<Tall> {
        self.chain(Parser::both, &[], &["or"])
    }

    fn both(&mut self) -> Option<Tall> {
        self.chain(Parser::compared, &[], &["and"])
    }

    fn compared(&mut self) -> Option<Tall> {
        let (left, height) = self.sum()?;
        if self.is_name("not")
            && matches!(self.tokens.get(self.at + 1), Some(Token::Name(name)) if name == "in")
        {
            self.at += 2;
            let (right, other) = self.sum()?;
            let is_in = Expr::Binary("in", Box::new(left), Box::new(right));
            return tall(Expr::Not(Box::new(is_in)), height.max(other) + 1);
        }
        if self.take_name("in") {
            let (right, other) = self.sum()?;
            return tall(Expr::Binary("in", Box::new(left), Box::new(right)), height.max(other));
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
        self.chain(Parser::product, &["+", "-"], &[])
    }

    fn product(&mut self) -> Option<Tall> {
        self.chain(Parser::single, &["*", "/", "%"], &[])
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
        if self.take_name("not") {
            let (inner, height) = self.nested(Parser::single)?;
            return tall(Expr::Not(Box::new(inner)), height);
        }
        if self.take_sign("-") {
            let (inner, height) = self.nested(Parser::single)?;
            return tall(Expr::Minus(Box::new(inner)), height);
        }
        let (mut expr, mut height) = self.nested(Parser::atom)?;
        loop {
            if self.take_sign(".") {
                let name = self.name()?;
                self.need_sign("(")?;
                let (args, other) = self.args()?;
                (expr, height) = tall(Expr::Method(Box::new(expr), name, args), height.max(other))?;
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
            Token::Text(text, with_names) => Some((Expr::Text(text, with_names), 1)),
            Token::Number(number) => Some((Expr::Number(number), 1)),
            Token::Name(name) if name == "true" || name == "false" => Some((Expr::Bool(name == "true"), 1)),
            Token::Name(name) if self.take_sign("(") => {
                let (args, height) = self.args()?;
                tall(Expr::Call(name, args), height)
            }
            Token::Name(name) => Some((Expr::Name(name), 1)),
            Token::Sign("(") => {
                let inner = self.nested(Parser::expr)?;
                self.need_sign(")")?;
                Some(inner)
            }
            Token::Sign("[") => {
                let (mut all, mut highest) = (Vec::new(), 0);
                while !self.take_sign("]") {
                    let (one, height) = self.nested(Parser::expr)?;
                    highest = highest.max(height);
                    all.push(one);
                    if !self.take_sign(",") {
                        self.need_sign("]")?;
                        break;
                    }
                }
                tall(Expr::List(all), highest)
            }
            Token::Sign("{") => {
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
            _ => None,
        }
    }

    /// What stands behind `(`, up to its `)`.
    fn args(&mut self) -> Option<(Args, usize)> {
        let (mut args, mut highest) = (Args::default(), 0);
        while !self.take_sign(")") {
            let name = match (self.token(), self.tokens.get(self.at + 1)) {
                (Some(Token::Name(name)), Some(Token::Sign(":"))) => Some(name.clone()),
                _ => None,
            };
            self.at += if name.is_some() { 2 } else { 0 };
            let (value, height) = self.nested(Parser::expr)?;
            highest = highest.max(height);
            match name {
                Some(name) => args.named.push((name, value)),
                None => args.plain.push(value),
            }
            if !self.take_sign(",") {
                self.need_sign(")")?;
                break;
            }
        }
        Some((args, highest))
    }
}

/// An expression one higher than its parts, unless that is too high.
fn tall(expr: Expr, parts: usize) -> Option<Tall> {
    (parts < HIGHEST).then_some((expr, parts + 1))
}
