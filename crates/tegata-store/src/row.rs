//! Rows as they were read, and the one way to read them: column by column, refusing what cannot be.

use std::fmt::Write as _;

use tegata_model::{Epoch, Generation, Status, Timestamp};

use crate::{StoreError, Value};

/// One row of an answer, its values in the order of the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

/// Takes the columns of one row in order. What a column cannot be is `Corrupt`, with table, column and row named.
pub(crate) struct Fields {
    table: &'static str,
    id: RowId,
    values: std::vec::IntoIter<Value>,
}

/// The first value of the row, kept for the message only where keeping it costs nothing.
enum RowId {
    Bytes([u8; 16]),
    Int(i64),
    Text(String),
    None,
}

impl Fields {
    pub(crate) fn new(table: &'static str, row: Row) -> Self {
        let id = match row.0.first() {
            Some(Value::Id(bytes)) => RowId::Bytes(*bytes),
            Some(Value::Int(number)) => RowId::Int(*number),
            Some(Value::Text(text)) => RowId::Text(text.chars().take(64).collect()),
            _ => RowId::None,
        };
        Self { table, id, values: row.0.into_iter() }
    }

    /// The error for a column of this row.
    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        let id = match &self.id {
            RowId::Bytes(bytes) => bytes.iter().fold(String::with_capacity(32), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            }),
            RowId::Int(number) => number.to_string(),
            RowId::Text(text) => text.clone(),
            RowId::None => "?".to_owned(),
        };
        StoreError::Corrupt { table: self.table, column, id }
    }

    pub(crate) fn value(&mut self, column: &'static str) -> Result<Value, StoreError> {
        self.values.next().ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn int(&mut self, column: &'static str) -> Result<i64, StoreError> {
        match self.value(column)? {
            Value::Int(number) => Ok(number),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<String, StoreError> {
        match self.value(column)? {
            Value::Text(text) => Ok(text.into_owned()),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn optional_text(&mut self, column: &'static str) -> Result<Option<String>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text.into_owned())),
            _ => Err(self.corrupt(column)),
        }
    }

    /// Words separated by commas; an empty text has none.
    pub(crate) fn words(&mut self, column: &'static str) -> Result<Vec<String>, StoreError> {
        Ok(self.text(column)?.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }

    pub(crate) fn bytes(&mut self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        match self.value(column)? {
            Value::Blob(bytes) => Ok(bytes),
            Value::Id(bytes) => Ok(bytes.to_vec()),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn optional_bytes(&mut self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Blob(bytes) => Ok(Some(bytes)),
            Value::Id(bytes) => Ok(Some(bytes.to_vec())),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn id<T>(&mut self, column: &'static str, make: impl FnOnce([u8; 16]) -> T) -> Result<T, StoreError> {
        match self.value(column)? {
            Value::Id(bytes) => Ok(make(bytes)),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn optional_id<T>(&mut self, column: &'static str, make: impl FnOnce([u8; 16]) -> T) -> Result<Option<T>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Id(bytes) => Ok(Some(make(bytes))),
            _ => Err(self.corrupt(column)),
        }
    }

    /// A text that must be valid for the type it becomes.
    pub(crate) fn parsed<T, E>(&mut self, column: &'static str, make: impl FnOnce(&str) -> Result<T, E>) -> Result<T, StoreError> {
        match self.value(column)? {
            Value::Text(text) => make(&text).map_err(|_| self.corrupt(column)),
            _ => Err(self.corrupt(column)),
        }
    }

    /// A number that must be valid for the type it becomes.
    pub(crate) fn number<T>(&mut self, column: &'static str, make: impl FnOnce(i64) -> Option<T>) -> Result<T, StoreError> {
        let number = self.int(column)?;
        make(number).ok_or_else(|| self.corrupt(column))
    }

    /// A number that must fit an unsigned type, and then the type made of it.
    pub(crate) fn unsigned<T, E>(&mut self, column: &'static str, make: impl FnOnce(u64) -> Result<T, E>) -> Result<T, StoreError> {
        self.number(column, |number| make(u64::try_from(number).ok()?).ok())
    }

    pub(crate) fn at(&mut self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_unix)
    }

    pub(crate) fn optional_at(&mut self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(Timestamp::from_unix(number))),
            _ => Err(self.corrupt(column)),
        }
    }

    /// 0 or 1.
    pub(crate) fn flag(&mut self, column: &'static str) -> Result<bool, StoreError> {
        self.number(column, |number| match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    }

    /// A number that fits 32 bits without a sign.
    pub(crate) fn small(&mut self, column: &'static str) -> Result<u32, StoreError> {
        self.number(column, |number| u32::try_from(number).ok())
    }

    pub(crate) fn status(&mut self) -> Result<Status, StoreError> {
        self.number("status", Status::from_i64)
    }

    pub(crate) fn epoch(&mut self) -> Result<Epoch, StoreError> {
        self.number("epoch", |number| u32::try_from(number).ok().map(Epoch))
    }

    pub(crate) fn generation(&mut self) -> Result<Generation, StoreError> {
        self.int("generation").map(Generation)
    }
}
