//! Reads the CRM's limits and how its answers tell where they stand.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use toml::Spanned;

use super::Reader;
use crate::manifest::{
    Bucket, Counts, Error, HeaderPlace, Limits, Reset, ResetForm, Told, Window, raw,
};
use crate::name::BucketName;

/// The most windows of one bucket, buckets, and rules of what is told.
const MOST: usize = 16;
/// The longest window: a month, the period of the slowest plans.
const LONGEST: u32 = 31 * 86_400;
/// The longest wait for which an answer says nothing.
const LONGEST_BACK_OFF: u32 = 300;

impl Reader<'_> {
    pub(super) fn limits(&self, raw: &raw::Limits) -> Result<Limits, Error> {
        let mut windows = Vec::new();
        for (most, seconds) in [
            (&raw.per_second, 1),
            (&raw.per_ten_seconds, 10),
            (&raw.per_day, 86_400),
        ] {
            if let (Some(most), Some(seconds)) = (most, NonZeroU32::new(seconds)) {
                windows.push(Window {
                    most: *most.get_ref(),
                    seconds,
                    counts: Counts::Requests,
                });
            }
        }
        self.windows("limits", &raw.windows, &mut windows)?;
        let general = Bucket {
            windows,
            concurrent: raw.concurrent,
            apart: false,
        };
        let buckets = self.buckets(&raw.buckets)?;
        self.cost(raw, &general, &buckets)?;
        if let Some(seconds) = &raw.back_off_seconds
            && LONGEST_BACK_OFF < seconds.get_ref().get()
        {
            let problem = format!("write at most {LONGEST_BACK_OFF}");
            return Err(self.wrong(seconds, "limits.back-off-seconds", problem));
        }
        let mut limits = Limits {
            general,
            buckets,
            told: Vec::new(),
            largest_cost: raw.largest_cost.as_ref().map(|it| *it.get_ref()),
            back_off_seconds: raw.back_off_seconds.as_ref().map(|it| *it.get_ref()),
            page_size: raw.page_size,
        };
        self.not_too_many(&raw.told, "limits.told")?;
        for (position, told) in raw.told.iter().enumerate() {
            let told = self.told(&format!("limits.told[{position}]"), told, &limits)?;
            limits.told.push(told);
        }
        Ok(limits)
    }

    fn windows(
        &self,
        key: &str,
        raw: &[Spanned<raw::Window>],
        windows: &mut Vec<Window>,
    ) -> Result<(), Error> {
        let key = format!("{key}.windows");
        self.not_too_many(raw, &key)?;
        for spanned in raw {
            let raw = spanned.get_ref();
            let window = Window {
                most: raw.most,
                seconds: *raw.seconds.get_ref(),
                counts: self.counts(raw.counts.as_ref(), &key)?,
            };
            if LONGEST < window.seconds.get() {
                let problem = format!("write at most {LONGEST} seconds, which is a month");
                return Err(self.wrong(&raw.seconds, key, problem));
            }
            let same = |it: &Window| (it.seconds, it.counts) == (window.seconds, window.counts);
            if windows.iter().any(same) {
                let problem = format!(
                    "there are two limits for {} seconds; remove one",
                    window.seconds
                );
                return Err(self.wrong(spanned, key, problem));
            }
            windows.push(window);
        }
        Ok(())
    }

    fn buckets(
        &self,
        raw: &BTreeMap<raw::Text, Spanned<raw::Bucket>>,
    ) -> Result<BTreeMap<BucketName, Bucket>, Error> {
        if let Some((name, _)) = raw.iter().nth(MOST) {
            return Err(self.too_many(name, "limits.buckets"));
        }
        self.named(raw, "limits.buckets", |name: &BucketName, spanned| {
            let key = format!("limits.buckets.{name}");
            let raw = spanned.get_ref();
            let mut windows = Vec::new();
            self.windows(&key, &raw.windows, &mut windows)?;
            if windows.is_empty() && raw.concurrent.is_none() {
                let problem =
                    "it limits nothing; add windows = [{ most = 10, seconds = 2 }] or concurrent";
                return Err(self.wrong(spanned, key, problem));
            }
            Ok(Bucket {
                windows,
                concurrent: raw.concurrent,
                apart: raw.apart,
            })
        })
    }

    /// Checks that the dearest request fits every window that counts in points, or it would wait for ever.
    fn cost(
        &self,
        raw: &raw::Limits,
        general: &Bucket,
        buckets: &BTreeMap<BucketName, Bucket>,
    ) -> Result<(), Error> {
        let windows = buckets.values().chain([general]).flat_map(|it| &it.windows);
        let points = windows.filter(|it| it.counts == Counts::Points);
        let smallest = points.map(|it| it.most).min();
        match (&raw.largest_cost, smallest) {
            (Some(cost), Some(smallest)) if smallest < *cost.get_ref() => {
                let problem = format!(
                    "a request of this cost would never fit the window of {smallest} points; lower it"
                );
                Err(self.wrong(cost, "limits.largest-cost", problem))
            }
            (None, Some(_)) => {
                let problem = "a window counts points, but not what a request may cost; add largest-cost = 10 or what the dearest request costs";
                Err(self.error(0..0, "limits.largest-cost", problem))
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    fn told(
        &self,
        key: &str,
        spanned: &Spanned<raw::Told>,
        limits: &Limits,
    ) -> Result<Told, Error> {
        let raw = spanned.get_ref();
        let place = |place: &Option<Spanned<raw::Place>>, name: &str| {
            let key = format!("{key}.{name}");
            place.as_ref().map(|it| self.place(it, &key)).transpose()
        };
        let bucket: Option<BucketName> = raw
            .bucket
            .as_ref()
            .map(|it| self.parsed(it, &format!("{key}.bucket")))
            .transpose()?;
        let Some(of) = limits.bucket(bucket.as_ref()) else {
            let problem = "there is no such bucket; add [limits.buckets.NAME], or remove it";
            return Err(self.wrong(spanned, key, problem));
        };
        let counts = self.counts(raw.counts.as_ref(), key)?;
        if let Some(seconds) = &raw.window_seconds {
            let is_it = |it: &Window| it.seconds == *seconds.get_ref() && it.counts == counts;
            if !of.windows.iter().any(is_it) {
                let problem = format!(
                    "there is no window of {} seconds that counts {counts}; add it, or remove this",
                    seconds.get_ref()
                );
                return Err(self.wrong(seconds, format!("{key}.window-seconds"), problem));
            }
        }
        let reset = match (place(&raw.reset, "reset")?, &raw.reset_in) {
            (None, None) => None,
            (Some(place), Some(form)) => Some(Reset {
                place,
                form: self.word::<ResetForm>(form, &format!("{key}.reset-in"))?,
            }),
            (Some(_), None) | (None, Some(_)) => {
                let problem = "`reset` and `reset-in` belong together; write reset = \"x-ratelimit-reset\" and reset-in = \"seconds\"";
                return Err(self.wrong(spanned, key, problem));
            }
        };
        let told = Told {
            bucket,
            window_seconds: raw.window_seconds.as_ref().map(|it| *it.get_ref()),
            counts,
            limit: place(&raw.limit, "limit")?,
            remaining: place(&raw.remaining, "remaining")?,
            usage: place(&raw.usage, "usage")?,
            reset,
        };
        if told.limit.is_none() && told.remaining.is_none() && told.usage.is_none() {
            let problem =
                "it tells nothing; add `remaining`, `limit` or `usage` with the name of a header";
            return Err(self.wrong(spanned, key, problem));
        }
        Ok(told)
    }

    fn place(&self, spanned: &Spanned<raw::Place>, key: &str) -> Result<HeaderPlace, Error> {
        let (header, member) = match spanned.get_ref() {
            raw::Place::Header(header) => (header, None),
            raw::Place::Member(member) => (&member.header, Some(&member.key)),
        };
        if let Some(member) = member
            && (64 < member.len() || !crate::header::is_token(member))
        {
            let problem = format!("{member:?} is no key of a member; write it as \"remaining\"");
            return Err(self.wrong(spanned, key, problem));
        }
        Ok(HeaderPlace {
            header: self.answer_header(spanned, key, header)?,
            key: member.map(|it| it.to_ascii_lowercase()),
        })
    }

    fn counts(&self, raw: Option<&raw::Text>, key: &str) -> Result<Counts, Error> {
        raw.map_or(Ok(Counts::Requests), |it| self.word(it, key))
    }

    fn not_too_many<T>(&self, raw: &[Spanned<T>], key: &str) -> Result<(), Error> {
        raw.get(MOST)
            .map_or(Ok(()), |beyond| Err(self.too_many(beyond, key)))
    }

    fn too_many<T>(&self, beyond: &Spanned<T>, key: &str) -> Error {
        self.wrong(
            beyond,
            key,
            format!("there are more than {MOST}; remove some"),
        )
    }
}
