//! Finds a member that occurs twice in an object of a JSON text. Readers keep the first, the last
//! or both.

use std::{collections::BTreeSet, fmt};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::names::quoted;

/// Checks that no object of a JSON text has two members of one name. The error names the member. A
/// text that is not JSON is left to its reader.
pub fn check_members(text: &[u8]) -> Result<(), String> {
    match serde_json::from_slice::<UniqueMembers>(text) {
        Err(error) if error.is_data() => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// A JSON value of which only the names of members are read.
struct UniqueMembers;

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = UniqueMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueMembers, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value::<UniqueMembers>()?;
            let shown = quoted(&name);
            if !names.insert(name) {
                return Err(A::Error::custom(format!(
                    "an object has the member {shown} twice: send it once"
                )));
            }
        }
        Ok(UniqueMembers)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<UniqueMembers, A::Error> {
        while items.next_element::<UniqueMembers>()?.is_some() {}
        Ok(UniqueMembers)
    }

    fn visit_bool<E>(self, _: bool) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_i64<E>(self, _: i64) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_u64<E>(self, _: u64) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_f64<E>(self, _: f64) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_str<E>(self, _: &str) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }

    fn visit_unit<E>(self) -> Result<UniqueMembers, E> {
        Ok(UniqueMembers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_occurs_twice_is_named() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"x":[{"a":1,"a":1}]}"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            let error = check_members(text.as_bytes()).expect_err(text);
            assert!(error.contains("\"a\" twice"), "{error}");
        }
    }

    #[test]
    fn one_name_in_two_objects_is_fine() {
        for text in [
            r#"{"a":{"a":1},"b":[{"a":null},{"a":-1.5}],"c":true}"#,
            "[1, 2",
            "",
        ] {
            assert_eq!(check_members(text.as_bytes()), Ok(()), "{text}");
        }
    }
}
