//! JSON that was read into `serde_json`'s values before.

use std::borrow::Cow;

use serde_json::Value;

use super::read::{Problem, ReadError, Source, Type};

fn type_of(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Boolean,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::Text,
        Value::Array(_) => Type::List,
        Value::Object(_) => Type::Object,
    }
}

fn unexpected(value: &Value, expected: &'static str) -> ReadError {
    Problem::Type(type_of(value), expected).into()
}

/// Texts are borrowed.
impl<'j> Source<'j> for &'j Value {
    fn position(&self) -> Option<usize> {
        None
    }

    fn what(&mut self) -> Result<Type, ReadError> {
        Ok(type_of(self))
    }

    fn members<F>(&mut self, mut each: F) -> Result<(), ReadError>
    where
        F: FnMut(&Cow<'j, str>, &mut Self) -> Result<(), ReadError>,
    {
        match *self {
            Value::Null => Ok(()),
            Value::Object(members) => members.iter().try_for_each(|(name, mut value)| {
                each(&Cow::Borrowed(name), &mut value).map_err(|error| error.in_member(name))
            }),
            _ => Err(unexpected(self, "an object")),
        }
    }

    fn elements<F>(&mut self, mut each: F) -> Result<(), ReadError>
    where
        F: FnMut(&mut Self) -> Result<(), ReadError>,
    {
        match *self {
            Value::Null => Ok(()),
            Value::Array(elements) => {
                elements
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, mut value)| {
                        each(&mut value).map_err(|error| error.in_element(index))
                    })
            }
            _ => Err(unexpected(self, "a list")),
        }
    }

    fn text(&mut self) -> Result<Cow<'j, str>, ReadError> {
        match *self {
            Value::Null => Ok(Cow::Borrowed("")),
            Value::String(text) => Ok(Cow::Borrowed(text)),
            _ => Err(unexpected(self, "a string")),
        }
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        let integer = self.as_i64();
        integer.ok_or_else(|| unexpected(self, "a whole number of 64 bits"))
    }

    fn boolean(&mut self) -> Result<bool, ReadError> {
        let boolean = self.as_bool();
        boolean.ok_or_else(|| unexpected(self, "true or false"))
    }

    fn skip(&mut self) -> Result<(), ReadError> {
        Ok(())
    }
}
