//! A log line for people, where there are no colours. It is `tracing-subscriber`'s own to the letter, and written in less
//! than half the time: each review in which something is found writes one.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::VisitOutput as _;
use tracing_subscriber::fmt::format::{DefaultVisitor, Format, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes a line that begins with this time.
#[derive(Debug)]
pub(super) struct Line<T>(pub(super) T);

/// When a line is written, in UTC and microseconds (RFC 3339).
#[derive(Debug, Clone)]
pub(super) struct TimeOfDay;

/// The fields of a line.
struct Fields<'w> {
    line: Writer<'w>,
    empty: bool,
    result: fmt::Result,
}

impl<S, N, T> FormatEvent<S, N> for Line<T>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    T: FormatTime + Clone,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if line.has_ansi_escapes() || context.event_scope().is_some() {
            let format = Format::default().with_timer(self.0.clone());
            return format.format_event(context, line, event);
        }
        self.0.format_time(&mut line)?;
        let metadata = event.metadata();
        line.write_str(match *metadata.level() {
            Level::ERROR => " ERROR ",
            Level::WARN => "  WARN ",
            Level::INFO => "  INFO ",
            Level::DEBUG => " DEBUG ",
            Level::TRACE => " TRACE ",
        })?;
        line.write_str(metadata.target())?;
        line.write_str(": ")?;
        let mut fields = Fields {
            line: line.by_ref(),
            empty: true,
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result?;
        line.write_char('\n')
    }
}

impl FormatTime for TimeOfDay {
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        line.write_str(Moment::of(SystemTime::now()).as_str())
    }
}

/// A moment as it is written.
struct Moment([u8; 27]);

impl Moment {
    /// Of the years to 9999.
    fn of(time: SystemTime) -> Self {
        let time = OffsetDateTime::from(time);
        let (year, month, day) = time.to_calendar_date();
        let (hour, minute, second, micro) = time.to_hms_micro();
        let numbers = [
            (0..4, year.unsigned_abs()),
            (5..7, u8::from(month).into()),
            (8..10, day.into()),
            (11..13, hour.into()),
            (14..16, minute.into()),
            (17..19, second.into()),
            (20..26, micro),
        ];
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        for (place, mut number) in numbers {
            for digit in text.get_mut(place).unwrap_or_default().iter_mut().rev() {
                *digit += u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        }
        Self(text)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Fields<'_> {
    fn name(&mut self, name: &str) -> fmt::Result {
        if !self.empty {
            self.line.write_char(' ')?;
        }
        self.line.write_str(name)?;
        self.line.write_char('=')
    }

    /// Writes a field by a function of a line's own.
    fn write(&mut self, write: impl FnOnce(&mut Self) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = write(self);
            self.empty = false;
        }
    }

    /// Writes a field as it is written else.
    fn write_else(&mut self, record: impl FnOnce(&mut DefaultVisitor<'_>)) {
        self.write(|fields| {
            let mut visitor = DefaultVisitor::new(fields.line.by_ref(), fields.empty);
            record(&mut visitor);
            visitor.finish()
        });
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let plain = value
            .bytes()
            .fold(true, |plain, byte| plain & is_plain(byte));
        if !plain || is_special(field) {
            return self.record_debug(field, &value);
        }
        self.write(|fields| {
            fields.name(field.name())?;
            fields.line.write_char('"')?;
            fields.line.write_str(value)?;
            fields.line.write_char('"')
        });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.write_else(|visitor| visitor.record_error(field, value));
    }

    #[expect(clippy::use_debug, reason = "it is how values come")]
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if is_special(field) {
            return self.write_else(|visitor| visitor.record_debug(field, value));
        }
        self.write(|fields| {
            fields.name(field.name())?;
            write!(fields.line, "{value:?}")
        });
    }
}

/// Whether a field is not written as a name and a value: the message, and names that are words of Rust's.
fn is_special(field: &Field) -> bool {
    field.name() == "message" || field.name().starts_with("r#")
}

/// Whether Rust writes it in a quoted text as it is.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use time::format_description::well_known::Rfc3339;
    use tracing::subscriber::with_default;
    use tracing::{debug, error, info, info_span, trace, warn};
    use tracing_subscriber::fmt::Subscriber as Format;

    use super::*;

    /// Says whatever can be said.
    fn say() {
        let broken = io::Error::other("it \"broke\"\nthere");
        let nothing: Option<&str> = None;
        info!("plain");
        info!(
            name = "tiller",
            quoted = "a \"b\" \\ \n é \u{1b}[31m",
            "message {}",
            7
        );
        warn!(number = -7_i64, flag = true, float = 1.5, list = ?[1, 2], shown = %"x y", "told");
        error!(
            error = &broken as &dyn Error,
            nothing,
            some = Some("it"),
            "failed \u{1b}[31m"
        );
        debug!(only = "field");
        trace!(target: "other::target", r#type = "word", "\n");
        let span = info_span!("span", inside = 1);
        span.in_scope(|| info!(name = "tiller", "in a span"));
    }

    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_time_is_the_one_that_is_written_else() {
        for (seconds, nanoseconds) in [
            (0, 0),
            (1_709_164_799, 999_999_999),
            (1_709_164_800, 1_000),
            (1_795_903_418, 123_456_789),
            (253_402_300_799, 0),
        ] {
            let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
            let other = OffsetDateTime::from(time);
            let micro = other.replace_nanosecond(other.nanosecond() / 1000 * 1000);
            let told = OffsetDateTime::parse(Moment::of(time).as_str(), &Rfc3339);
            assert_eq!(told, Ok(micro.unwrap()));
        }
    }

    #[derive(Debug, Clone)]
    struct Noon;

    impl FormatTime for Noon {
        fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
            line.write_str("12:00")
        }
    }

    #[test]
    fn a_line_is_the_one_that_is_written_else() {
        for colours in [false, true] {
            let (own, other) = (Kept::default(), Kept::default());
            let log = |kept: &Kept| {
                let kept = kept.clone();
                Format::builder()
                    .with_max_level(Level::TRACE)
                    .with_ansi(colours)
                    .with_writer(move || kept.clone())
            };
            with_default(log(&own).event_format(Line(Noon)).finish(), say);
            with_default(log(&other).with_timer(Noon).finish(), say);
            let text = |kept: &Kept| String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert_eq!(text(&own), text(&other));
            assert!(text(&own).lines().count() > 6, "{}", text(&own));
        }
    }
}
