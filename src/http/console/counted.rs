//! How is a number of things written? "1 grant", "2 grants".

use super::plot::grouped;

/// `number` of what one is called `one`.
pub(super) fn counted(number: impl TryInto<u64>, one: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {one}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// As many as there are of `things`.
pub(super) fn counted_of<T>(things: &[T], one: &str) -> String {
    counted(things.len(), one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_from_many() {
        assert_eq!([0_u64, 1, 1200].map(|number| counted(number, "grant")), ["0 grants", "1 grant", "1,200 grants"]);
        assert_eq!(counted_of(&[(), ()], "secret"), "2 secrets");
    }
}
