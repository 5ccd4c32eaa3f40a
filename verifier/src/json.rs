//! A JSON reader (RFC 8259) for untrusted depth and no memory: it hands out one token after the
//! other, does not recurse, does not allocate and cannot panic.
//!
//! It reads all of a document or refuses it, as `serde_json` does, with two differences: nesting is
//! bounded by [`MAX_DEPTH`] instead of 128, and numbers are only text here, so one that is beyond
//! the range of a floating point number is a number like any other.

use core::str;

use heapless::String;

use crate::EventError;

/// Levels of nested objects and arrays that are read. The provider's bodies have four.
pub const MAX_DEPTH: u32 = 32;

/// The next piece of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token<'a> {
    /// The name of an object's member. Its value comes next.
    Name(Text<'a>),
    /// A value that is not a container.
    Value(Value<'a>),
    /// The beginning of an object, whose depth counts already.
    Object,
    /// The beginning of an array, whose depth counts already.
    Array,
    /// The end of an object or array, whose depth no longer counts.
    End,
}

/// A value that is not a container, or, as [`Other`](Self::Other), any that nobody asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Text(Text<'a>),
    /// A number exactly as it stands in the document.
    Number(&'a str),
    Null,
    Other,
}

/// A string as it stands in the document: without its quotes, with its escapes, which are sound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a>(&'a str);

/// What may come next.
#[derive(Clone, Copy)]
enum Expected {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    CommaOrEnd,
    Nothing,
}

pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    expected: Expected,
    depth: u32,
    /// One bit per level, the lowest the innermost: 1 in an object, 0 in an array.
    objects: u32,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(document: &'a [u8]) -> Self {
        Self { rest: document, expected: Expected::Value, depth: 0, objects: 0 }
    }

    /// How many objects and arrays the reader is inside of.
    pub(crate) const fn depth(&self) -> u32 {
        self.depth
    }

    /// The next token, or `None` after the last one of a sound document.
    pub(crate) fn next(&mut self) -> Result<Option<Token<'a>>, EventError> {
        loop {
            self.skip_white_space();
            let Some((&first, after)) = self.rest.split_first() else {
                return match self.expected {
                    Expected::Nothing => Ok(None),
                    _ => Err(EventError::NotAnEvent),
                };
            };
            match (self.expected, first) {
                (Expected::CommaOrEnd, b',') => {
                    self.rest = after;
                    self.expected = if self.in_object() { Expected::Name } else { Expected::Value };
                }
                (Expected::CommaOrEnd | Expected::NameOrEnd, b'}') if self.in_object() => {
                    return Ok(Some(self.leave(after)));
                }
                (Expected::CommaOrEnd | Expected::ValueOrEnd, b']') if !self.in_object() => {
                    return Ok(Some(self.leave(after)));
                }
                (Expected::Name | Expected::NameOrEnd, b'"') => {
                    self.rest = after;
                    let name = self.text()?;
                    self.skip_white_space();
                    self.rest = self.rest.strip_prefix(b":").ok_or(EventError::NotAnEvent)?;
                    self.expected = Expected::Value;
                    return Ok(Some(Token::Name(name)));
                }
                (Expected::Value | Expected::ValueOrEnd, _) => return self.value(first).map(Some),
                _ => return Err(EventError::NotAnEvent),
            }
        }
    }

    fn value(&mut self, first: u8) -> Result<Token<'a>, EventError> {
        if let b'{' | b'[' = first {
            return self.enter(first == b'{');
        }
        let value = match first {
            b'"' => {
                self.literal(b"\"")?;
                Value::Text(self.text()?)
            }
            b'-' | b'0'..=b'9' => Value::Number(self.number()?),
            b'n' => {
                self.literal(b"null")?;
                Value::Null
            }
            b't' => {
                self.literal(b"true")?;
                Value::Other
            }
            _ => {
                self.literal(b"false")?;
                Value::Other
            }
        };
        self.expected = self.after_value();
        Ok(Token::Value(value))
    }

    fn enter(&mut self, is_object: bool) -> Result<Token<'a>, EventError> {
        if self.depth == MAX_DEPTH {
            return Err(EventError::TooDeep);
        }
        self.literal(if is_object { b"{" } else { b"[" })?;
        self.depth = self.depth.saturating_add(1);
        self.objects = (self.objects << 1) | u32::from(is_object);
        let (expected, token) = if is_object {
            (Expected::NameOrEnd, Token::Object)
        } else {
            (Expected::ValueOrEnd, Token::Array)
        };
        self.expected = expected;
        Ok(token)
    }

    fn leave(&mut self, after: &'a [u8]) -> Token<'a> {
        self.rest = after;
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
        self.expected = self.after_value();
        Token::End
    }

    const fn after_value(&self) -> Expected {
        if self.depth == 0 { Expected::Nothing } else { Expected::CommaOrEnd }
    }

    const fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }

    fn skip_white_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', after @ ..] = self.rest {
            self.rest = after;
        }
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), EventError> {
        self.rest = self.rest.strip_prefix(literal).ok_or(EventError::NotAnEvent)?;
        Ok(())
    }

    /// A string, from behind its opening quote to behind its closing one.
    fn text(&mut self) -> Result<Text<'a>, EventError> {
        let mut rest = self.rest;
        let end = loop {
            if SKIPS_PLAIN {
                rest = skip_plain(rest);
            }
            match rest {
                [b'"', after @ ..] => break after,
                [b'\\', after @ ..] => (_, rest) = escape(after).ok_or(EventError::NotAnEvent)?,
                [b' '..=0xff, after @ ..] => rest = after,
                _ => return Err(EventError::NotAnEvent),
            }
        };
        let text = self.taken(rest);
        self.rest = end;
        str::from_utf8(text).map(Text).map_err(|_| EventError::NotAnEvent)
    }

    /// `-? ( 0 | [1-9][0-9]* ) ( . [0-9]+ )? ( [eE] [+-]? [0-9]+ )?`
    fn number(&mut self) -> Result<&'a str, EventError> {
        let unsigned = self.rest.strip_prefix(b"-").unwrap_or(self.rest);
        let mut rest = match unsigned {
            [b'0', after @ ..] => after,
            _ => digits(unsigned)?,
        };
        if let [b'.', after @ ..] = rest {
            rest = digits(after)?;
        }
        if let [b'e' | b'E', b'+' | b'-', after @ ..] | [b'e' | b'E', after @ ..] = rest {
            rest = digits(after)?;
        }
        let number = self.taken(rest);
        self.rest = rest;
        str::from_utf8(number).map_err(|_| EventError::NotAnEvent)
    }

    /// What lies between the reader and `rest`, which is an end of what the reader has before it.
    fn taken(&self, rest: &[u8]) -> &'a [u8] {
        self.rest.get(..self.rest.len().saturating_sub(rest.len())).unwrap_or_default()
    }
}

/// Whether eight bytes are looked at together. On a microcontroller flash is dearer than time, and it would
/// take 130 bytes.
const SKIPS_PLAIN: bool = cfg!(any(target_pointer_width = "64", target_family = "wasm"));

/// Skips bytes of a string that stand for themselves, eight at a time: most of a body is such text.
/// Fewer than eight are left to the caller.
fn skip_plain(mut bytes: &[u8]) -> &[u8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGHEST_BITS: u64 = EACH << 7;
    // In each of these the highest bit of a byte is set where the byte is 0, or below a space, unless it
    // was set before. A byte above such a one may have it set as well, which does not matter: what is
    // asked is whether there is any.
    let zeros = |word: u64| word.wrapping_sub(EACH) & !word;
    let controls = |word: u64| word.wrapping_sub(EACH << 5) & !word;
    while let Some((chunk, after)) = bytes.split_first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        let (quotes, backslashes) = (zeros(word ^ (EACH * 0x22)), zeros(word ^ (EACH * 0x5c)));
        if (quotes | backslashes | controls(word)) & HIGHEST_BITS != 0 {
            break;
        }
        bytes = after;
    }
    bytes
}

/// Skips one digit or more.
fn digits(bytes: &[u8]) -> Result<&[u8], EventError> {
    let [b'0'..=b'9', rest @ ..] = bytes else { return Err(EventError::NotAnEvent) };
    let mut rest = rest;
    while let [b'0'..=b'9', after @ ..] = rest {
        rest = after;
    }
    Ok(rest)
}

/// Resolves the escape behind a backslash: the character, and what comes after it. Half of a
/// surrogate pair is no character.
fn escape(bytes: &[u8]) -> Option<(char, &[u8])> {
    let (&kind, after) = bytes.split_first()?;
    let character = match kind {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let (unit, after) = code_unit(after)?;
            if !(0xd800..0xdc00).contains(&unit) {
                return Some((char::from_u32(unit.into())?, after));
            }
            let (low, after) = code_unit(after.strip_prefix(b"\\u")?)?;
            let character = char::decode_utf16([unit, low]).next()?.ok()?;
            return Some((character, after));
        }
        _ => return None,
    };
    Some((character, after))
}

/// Four hexadecimal digits, and what comes after them.
fn code_unit(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, after) = bytes.split_first_chunk::<4>()?;
    let mut unit: u16 = 0;
    for &digit in digits {
        let digit = char::from(digit).to_digit(16)?;
        unit = (unit << 4) | u16::try_from(digit).ok()?;
    }
    Some((unit, after))
}

impl<'a> Text<'a> {
    /// The text, if it is written like a number (RFC 8259 section 6).
    pub(crate) fn number(self) -> Option<&'a str> {
        let mut reader = Reader::new(self.0.as_bytes());
        reader.number().ok().filter(|_| reader.rest.is_empty())
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is `name`, however it is written.
    pub(crate) fn is(self, name: &str) -> bool {
        // Escapes make it longer.
        self.0 == name || (self.0.len() > name.len() && self.characters().eq(name.chars()))
    }

    /// Copies the text, its escapes resolved. Control characters are refused: no identifier has
    /// them.
    pub(crate) fn resolve<const LIMIT: usize>(
        self,
        field: &'static str,
    ) -> Result<String<LIMIT>, EventError> {
        let mut resolved = String::new();
        for character in self.characters() {
            if character.is_control() {
                return Err(EventError::FieldInvalid { field });
            }
            let room = resolved.push(character);
            room.map_err(|_| EventError::FieldTooLong { field, limit: LIMIT })?;
        }
        Ok(resolved)
    }

    fn characters(&self) -> impl Iterator<Item = char> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let mut characters = rest.chars();
            let character = characters.next()?;
            let after = characters.as_str();
            if character != '\\' {
                rest = after;
                return Some(character);
            }
            // The escapes are sound, so what is left begins with a whole character.
            let (character, left) = escape(after.as_bytes())?;
            rest = after.get(after.len().saturating_sub(left.len())..)?;
            Some(character)
        })
    }
}
