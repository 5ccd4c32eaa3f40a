//! Who may do what: all bearer tokens, with the names and roles of their holders.

use subtle::ConditionallySelectable as _;

use super::{Reader, Role, Token};

/// The token that may do everything.
const ADMIN_TOKEN: &str = "ADMIN_TOKEN";

/// The token that registers jobs.
const SUBMIT_TOKEN: &str = "SUBMIT_TOKEN";

/// Tokens with names and roles: `name:role:token`, with white space between.
const ADMIN_TOKENS: &str = "ADMIN_TOKENS";

/// Most entries of `ADMIN_TOKENS`: enough for a team that rotates its tokens. Every request compares all of them.
const MAX_ENTRIES: usize = 16;

/// The longest name, in bytes. It stands in each entry of the audit log.
const MAX_NAME_BYTES: usize = 32;

/// Names under which the edge itself acts.
const TAKEN_NAMES: [&str; 2] = ["edge", "reconciler"];

/// Whom a token was given to.
#[derive(Debug)]
pub(crate) struct Holder {
    name: String,
    role: Role,
    token: Token,
}

impl Holder {
    /// The name, as it stands in the audit log.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the token opens.
    pub(crate) const fn role(&self) -> Role {
        self.role
    }
}

/// All tokens.
#[derive(Debug, Default)]
pub(crate) struct Access {
    holders: Vec<Holder>,
}

impl Access {
    /// The holder of a token. Every token is compared, whichever it is, so that the time does not tell its place.
    pub(crate) fn of(&self, given: &Token) -> Option<&Holder> {
        let mut place = 0_u32;
        for (number, holder) in (1_u32..).zip(&self.holders) {
            place.conditional_assign(&number, holder.token.is(given));
        }
        self.holders.get(usize::try_from(place).ok()?.checked_sub(1)?)
    }

    /// Whether there is a token of this very role.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.holders.iter().any(|holder| holder.role == role)
    }

    /// Whether there is a token that may read.
    pub(crate) fn has_reader(&self) -> bool {
        self.holders.iter().any(|holder| holder.role.may(Role::Read))
    }

    /// The holders, in the order of the settings.
    pub(crate) fn holders(&self) -> &[Holder] {
        &self.holders
    }
}

/// A token that was read, and where it stands.
struct Placed {
    place: String,
    holder: Holder,
}

/// Reads `ADMIN_TOKEN`, `SUBMIT_TOKEN` and `ADMIN_TOKENS`.
pub(super) fn read(reader: &mut Reader<'_>) -> Access {
    let mut known = Vec::new();
    for (setting, name, role) in
        [(ADMIN_TOKEN, "admin", Role::Operate), (SUBMIT_TOKEN, "submit", Role::Submit)]
    {
        let Some(secret) = reader.secret_header(setting) else { continue };
        match token(reader, secret.expose(), &known) {
            Ok(token) => known.push(Placed {
                place: setting.to_owned(),
                holder: Holder { name: name.to_owned(), role, token },
            }),
            Err(error) => reader.refuse(setting, error),
        }
    }
    if let Some(text) = reader.secret(ADMIN_TOKENS) {
        let entries = text.split_ascii_whitespace().count();
        if entries > MAX_ENTRIES {
            let text = format!("has {entries} entries, and {MAX_ENTRIES} at most: remove some");
            reader.refuse(ADMIN_TOKENS, text);
        }
        for (number, entry) in (1..=MAX_ENTRIES).zip(text.split_ascii_whitespace()) {
            let place = format!("entry {number}");
            match holder(reader, entry, &known) {
                Ok(holder) => known.push(Placed { place, holder }),
                Err(error) => reader.refuse(ADMIN_TOKENS, format!("{place} {error}")),
            }
        }
    }
    Access { holders: known.into_iter().map(|it| it.holder).collect() }
}

/// An entry of `ADMIN_TOKENS`, or what is wrong with it; the text repeats no part of it, since a token may stand in
/// any place of a malformed one.
fn holder(reader: &Reader<'_>, entry: &str, known: &[Placed]) -> Result<Holder, String> {
    let mut parts = entry.splitn(3, ':');
    let (Some(name), Some(role), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("is malformed: expected `name:role:token`".to_owned());
    };
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_plain) {
        return Err(format!(
            "has no usable name: use 1 to {MAX_NAME_BYTES} of `a-z`, `0-9`, `_`, `.` and `-`"
        ));
    }
    if TAKEN_NAMES.contains(&name) {
        return Err("has a name under which the edge itself acts: choose another one".to_owned());
    }
    let role = Role::parse(role)
        .ok_or_else(|| "has a role that is none of `read`, `operate` and `submit`".to_owned())?;
    let token = token(reader, text, known).map_err(|error| format!("has a token that {error}"))?;
    Ok(Holder { name: name.to_owned(), role, token })
}

/// A token that nobody else has.
fn token(reader: &Reader<'_>, text: &str, known: &[Placed]) -> Result<Token, String> {
    let token = Token::new(text)?;
    let is_same = |other: &Token| bool::from(token.is(other));
    if let Some(other) = known.iter().find(|it| is_same(&it.holder.token)) {
        return Err(format!("is the same as that of {}: set one of its own", other.place));
    }
    if reader.webhook_secrets().any(|secret| is_same(&Token::hash(secret))) {
        return Err(
            "is one of WEBHOOK_SECRETS, which the provider knows: set another one".to_owned()
        );
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::{SECRET, problems_with, settings_with};

    const ADMIN: &str = "canary-of-the-admin";
    const SUBMITTER: &str = "canary-of-who-submits";

    fn access(tokens: &str) -> Access {
        let all = [("ADMIN_TOKEN", ADMIN), ("SUBMIT_TOKEN", SUBMITTER), ("ADMIN_TOKENS", tokens)];
        settings_with(&all).access
    }

    fn holder_of<'a>(access: &'a Access, token: &str) -> Option<(&'a str, Role)> {
        let given = Token::given_by(Some(&format!("Bearer {token}"))).unwrap();
        access.of(&given).map(|holder| (holder.name(), holder.role()))
    }

    /// What is wrong with `ADMIN_TOKENS` alone: no text may hold a part of a token.
    fn problems(tokens: &str) -> Vec<String> {
        let all = [("ADMIN_TOKEN", ADMIN), ("SUBMIT_TOKEN", SUBMITTER), ("ADMIN_TOKENS", tokens)];
        let problems = problems_with(&all);
        assert!(!problems.concat().contains("canary"), "{problems:?}");
        problems
    }

    #[test]
    fn each_token_is_its_holders_wherever_it_stands() {
        let access = access(
            "grafana:read:canary-of-grafana\n ops.1:operate:canary-of-the-ops\tshop_2-a:submit:canary-of-the-shop",
        );
        for (token, name, role) in [
            (ADMIN, "admin", Role::Operate),
            (SUBMITTER, "submit", Role::Submit),
            ("canary-of-grafana", "grafana", Role::Read),
            ("canary-of-the-ops", "ops.1", Role::Operate),
            ("canary-of-the-shop", "shop_2-a", Role::Submit),
        ] {
            assert_eq!(holder_of(&access, token), Some((name, role)));
        }
        for other in ["canary-of-the-sho", "canary-of-the-shop0", "read:canary-of-grafana", "x"] {
            assert_eq!(holder_of(&access, other), None, "{other}");
        }
        assert_eq!(holder_of(&Access::default(), ADMIN), None);
    }

    /// So a token is rotated: both are taken until the old one is removed.
    #[test]
    fn two_entries_may_have_the_same_name() {
        let access = access("ann:read:canary-the-old-one ann:read:canary-the-new-one");
        for token in ["canary-the-old-one", "canary-the-new-one"] {
            assert_eq!(holder_of(&access, token), Some(("ann", Role::Read)));
        }
    }

    #[test]
    fn there_may_be_sixteen_entries() {
        let entry = |number| format!("n{number}:read:canary-of-number-{number}");
        let entries = |count| (1..=count).map(entry).collect::<Vec<_>>().join(" ");
        assert_eq!(holder_of(&access(&entries(16)), "canary-of-number-16").unwrap().0, "n16");
        let problems = problems(&entries(17));
        assert_eq!(problems, ["ADMIN_TOKENS has 17 entries, and 16 at most: remove some"]);
    }

    #[test]
    fn each_mistake_is_named_by_its_place() {
        let long = "a".repeat(33);
        for (entry, text) in [
            ("canary-without-a-name", "entry 2 is malformed: expected `name:role:token`"),
            ("ann:canary-without-a-role", "entry 2 is malformed: expected `name:role:token`"),
            (":read:canary-of-somebody", "entry 2 has no usable name"),
            ("Ann:read:canary-of-somebody", "entry 2 has no usable name"),
            ("a/b:read:canary-of-somebody", "entry 2 has no usable name"),
            (&format!("{long}:read:canary-of-somebody"), "entry 2 has no usable name"),
            ("edge:read:canary-of-somebody", "entry 2 has a name under which the edge"),
            ("reconciler:read:canary-of-somebody", "entry 2 has a name under which the edge"),
            ("ann:write:canary-of-somebody", "entry 2 has a role that is none of"),
            ("ann:Read:canary-of-somebody", "entry 2 has a role that is none of"),
            ("ann::canary-of-somebody", "entry 2 has a role that is none of"),
            ("ann:read:", "entry 2 has a token that is shorter than 16"),
            (
                "ann:read:canary-of-bob-12",
                "entry 2 has a token that is the same as that of entry 1",
            ),
            ("ann:read:canary-15-bytes", "entry 2 has a token that is shorter than 16"),
            ("ann:read:canary:of:somebody", "entry 2 has a token that has characters"),
            (
                &format!("ann:read:{ADMIN}"),
                "entry 2 has a token that is the same as that of ADMIN_TOKEN",
            ),
            (
                &format!("ann:submit:{SUBMITTER}"),
                "entry 2 has a token that is the same as that of SUBMIT_TOKEN",
            ),
            (&format!("ann:read:{SECRET}"), "entry 2 has a token that is one of WEBHOOK_SECRETS"),
        ] {
            let tokens =
                format!("bob:operate:canary-of-bob-12 {entry} carl:read:canary-of-carl-16");
            let problems = problems(&tokens);
            assert_eq!(problems.len(), 1, "{entry}: {problems:?}");
            assert!(problems[0].starts_with(&format!("ADMIN_TOKENS {text}")), "{problems:?}");
        }
        let all = problems("x ann:read:canary-of-ann-1234 y:z");
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(all[1].starts_with("ADMIN_TOKENS entry 3 "), "{all:?}");
        settings_with(&[("ADMIN_TOKENS", &format!("{}:read:{ADMIN}", "a".repeat(32)))]);
    }

    #[test]
    fn the_single_tokens_are_held_to_the_same_rules() {
        for setting in [ADMIN_TOKEN, SUBMIT_TOKEN] {
            for value in ["0123456789abcde", "0123456789 abcdef", "0123456789abcdef,", "canary"] {
                let problems = problems_with(&[(setting, value)]);
                assert_eq!(problems.len(), 1, "{value:?}");
                assert!(problems[0].starts_with(&format!("{setting} ")), "{problems:?}");
                assert!(!problems[0].contains(value), "{problems:?}");
            }
            let problems = problems_with(&[(setting, SECRET)]);
            assert!(problems[0].contains("is one of WEBHOOK_SECRETS"), "{problems:?}");
        }
        let problems = problems_with(&[(ADMIN_TOKEN, ADMIN), (SUBMIT_TOKEN, ADMIN)]);
        let expected = "SUBMIT_TOKEN is the same as that of ADMIN_TOKEN: set one of its own";
        assert_eq!(problems, [expected]);
    }

    #[test]
    fn a_role_is_enough_for_its_own_and_operate_for_all() {
        let all = [Role::Read, Role::Operate, Role::Submit];
        let may = |role: Role| all.map(|needed| role.may(needed));
        assert_eq!(may(Role::Read), [true, false, false]);
        assert_eq!(may(Role::Operate), [true, true, true]);
        assert_eq!(may(Role::Submit), [false, false, true]);
    }

    #[test]
    fn names_are_printed_and_tokens_are_not() {
        let text = format!("{:?}", access("ann:read:canary-of-ann-1234"));
        assert!(text.contains("ann") && text.contains("Token(redacted)"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}
