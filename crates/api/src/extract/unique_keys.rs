//! A reader of JSON that keeps nothing and refuses what two readers might understand differently.

use std::{collections::HashSet, fmt};

use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How many levels of objects and arrays there may be.
const MAX_DEPTH: u8 = 64;

/// Reads a whole JSON text.
///
/// # Errors
/// For what is not JSON in UTF-8, lone surrogates, numbers out of range, more than 64 levels, and the same key twice
/// in an object, wherever it is: which of the two counts, every reader decides differently.
pub(super) fn check(json: &[u8]) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    Level(0).deserialize(&mut reader)?;
    reader.end()
}

/// A value that many levels deep.
#[derive(Clone, Copy)]
struct Level(u8);

impl Level {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.0 == MAX_DEPTH {
            return Err(E::custom(format_args!("more than {MAX_DEPTH} levels")));
        }
        Ok(Self(self.0 + 1))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let level = self.deeper()?;
        while elements.next_element_seed(level)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let level = self.deeper()?;
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            entries.next_value_seed(level)?;
            if !seen.insert(key) {
                return Err(A::Error::custom("the same key twice in one object"));
            }
        }
        Ok(())
    }
}

/// A key, as the text that it means: `"a"` and `"\u0061"` are one.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..8)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_json_that_is_written_is_accepted(value in any_json()) {
            prop_assert!(check(value.to_string().as_bytes()).is_ok());
        }

        #[test]
        fn a_key_that_stands_twice_is_found_at_any_depth(value in any_json(), key in any::<String>(), depth in 0..40) {
            let key = Value::from(key);
            let mut json = format!("{{{key}:{value},\"other\":1,{key}:null}}");
            for _ in 0..depth {
                json = format!("[{{\"a\":{json}}}]");
            }
            prop_assert!(check(json.as_bytes()).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = check(&bytes);
        }
    }

    #[test]
    fn sixty_four_levels_are_enough() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(check(nested(64).as_bytes()).is_ok());
        assert!(check(nested(65).as_bytes()).is_err());
        assert!(check(nested(100_000).as_bytes()).is_err());
    }

    #[test]
    fn what_two_readers_might_understand_differently_is_refused() {
        for json in [
            &br#"{"a":1,"a":1}"#[..],
            br#"{"a":1,"\u0061":2}"#,
            br#"{"m":{"x":[{"b":1,"b":2}]}}"#,
            br#""\ud800""#,
            br#"{"\udc00":1}"#,
            b"\"\xff\"",
            b"1e400",
            b"NaN",
            b"{}{}",
            b"{",
            b"",
            b"\xef\xbb\xbf{}",
            b"{\"a\":1,}",
            b"\"a\nb\"",
        ] {
            assert!(check(json).is_err(), "{}", String::from_utf8_lossy(json));
        }
    }
}
