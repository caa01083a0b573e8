//! The machine, moved by hand.

use super::*;

const GAP: Duration = Duration::from_secs(5);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn etag(text: &str) -> Etag {
    text.parse().unwrap()
}

fn state(documents: &[(&str, &str)]) -> State {
    documents.iter().map(|(sel, tag)| ((*sel).to_owned(), etag(tag))).collect()
}

fn said(notice: &Notice) -> Vec<String> {
    let tag = |tag: &Option<Etag>| tag.as_ref().map_or("-".to_owned(), Etag::to_string);
    notice.differences.iter().map(|d| format!("{} {} {}", d.sel, tag(&d.previous), tag(&d.new))).collect()
}

/// A subscription that expires at 3600, has numbers, and read `documents`.
fn started(documents: &[(&str, &str)]) -> Subscription {
    let mut sub = Subscription::new(Progress::default(), 1, GAP);
    sub.expire_at(at(3600));
    sub.reserved(BLOCK);
    sub.saw_all(state(documents));
    sub
}

fn send(sub: &mut Subscription, now: Duration) -> Notice {
    assert_eq!(sub.step(now), Step::Send);
    let notice = sub.take(now);
    assert_eq!(sub.step(now), Step::Wait(None), "never a second one before the answer");
    notice
}

fn acknowledge(sub: &mut Subscription, now: Duration) {
    assert_eq!(sub.answered(Status::OK, None, now), Answered::Acknowledged);
}

#[test]
fn the_first_notify_waits_for_numbers_and_state_and_says_everything() {
    let mut sub = Subscription::new(Progress::default(), 7, GAP);
    sub.expire_at(at(3600));
    assert_eq!(sub.step(at(0)), Step::Wait(Some(at(3600))));
    sub.saw_all(state(&[("a", "1"), ("b", "2")]));
    assert_eq!(sub.step(at(0)), Step::Reserve);
    assert_eq!(sub.to_store().reserved, 1 + BLOCK);
    sub.reserved(1 + BLOCK);
    let notice = send(&mut sub, at(1));
    assert_eq!((notice.cseq, notice.state, notice.full), (1, Ok(3599), true));
    assert_eq!(said(&notice), ["a - 1", "b - 2"]);
    acknowledge(&mut sub, at(1));
    assert_eq!(sub.to_store().full_for, 7);
    assert_eq!(sub.step(at(1)), Step::Wait(Some(at(3600))));
}

#[test]
fn an_empty_first_notify_is_sent_too() {
    let mut sub = started(&[]);
    let notice = send(&mut sub, at(0));
    assert!(notice.full && notice.differences.is_empty());
}

#[test]
fn created_changed_removed_at_the_allowed_rate() {
    let mut sub = started(&[("a", "1"), ("b", "1")]);
    send(&mut sub, at(0));
    acknowledge(&mut sub, at(0));
    sub.saw("a".to_owned(), Some(etag("2")));
    sub.saw("b".to_owned(), None);
    sub.saw("c".to_owned(), Some(etag("1")));
    assert_eq!(sub.step(at(1)), Step::Wait(Some(at(5))));
    let notice = send(&mut sub, at(5));
    assert_eq!((notice.cseq, notice.full), (2, false));
    assert_eq!(said(&notice), ["b 1 -", "a 1 2", "c - 1"]);
}

#[test]
fn changes_during_a_notify_coalesce() {
    let mut sub = started(&[("a", "1")]);
    send(&mut sub, at(0));
    sub.saw("a".to_owned(), Some(etag("2")));
    sub.saw("a".to_owned(), Some(etag("3")));
    sub.saw("b".to_owned(), Some(etag("1")));
    sub.saw("b".to_owned(), None);
    acknowledge(&mut sub, at(9));
    assert_eq!(said(&send(&mut sub, at(9))), ["a 1 3"]);
    acknowledge(&mut sub, at(20));
    sub.saw("a".to_owned(), Some(etag("4")));
    sub.saw("a".to_owned(), Some(etag("3")));
    assert_eq!(sub.step(at(20)), Step::Wait(Some(at(3600))), "back where it was is nothing");
}

#[test]
fn a_refresh_says_everything_again_at_once() {
    let mut sub = started(&[("a", "1")]);
    send(&mut sub, at(0));
    acknowledge(&mut sub, at(0));
    sub.refreshed(2, at(4000));
    assert_eq!(sub.step(at(1)), Step::Wait(Some(at(4000))), "the state is read first");
    sub.saw_all(state(&[("a", "1"), ("b", "1")]));
    let notice = send(&mut sub, at(1));
    assert_eq!((said(&notice), notice.state), (vec!["a - 1".to_owned(), "b - 1".to_owned()], Ok(3999)));
    // Another refresh before the answer is owed one more.
    sub.refreshed(3, at(5000));
    sub.saw_all(state(&[("b", "1")]));
    acknowledge(&mut sub, at(1));
    let notice = send(&mut sub, at(1));
    assert!(notice.full);
    assert_eq!(said(&notice), ["b - 1"]);
    acknowledge(&mut sub, at(1));
    assert_eq!(
        sub.to_store(),
        Progress { full_for: 3, acknowledged: state(&[("b", "1")]), ..sub.to_store() }
    );
}

#[test]
fn unsubscribing_says_everything_and_expiry_what_is_new() {
    let mut sub = started(&[("a", "1")]);
    send(&mut sub, at(0));
    acknowledge(&mut sub, at(0));
    sub.refreshed(2, at(1));
    sub.end(End::Timeout);
    assert_eq!(sub.step(at(1)), Step::Wait(None));
    sub.saw_all(state(&[("a", "1")]));
    let notice = send(&mut sub, at(1));
    assert_eq!((notice.state, said(&notice)), (Err(End::Timeout), vec!["a - 1".to_owned()]));
    assert_eq!(sub.answered(Status::OK, None, at(1)), Answered::Over);
    assert_eq!(sub.step(at(1)), Step::Remove);

    let mut sub = started(&[("a", "1")]);
    send(&mut sub, at(0));
    acknowledge(&mut sub, at(0));
    let notice = send(&mut sub, at(3600));
    assert_eq!((notice.state, notice.differences.len(), notice.full), (Err(End::Timeout), 0, false));
    assert_eq!(sub.answered(Status::SERVICE_UNAVAILABLE, None, at(3600)), Answered::Over);
}

#[test]
fn a_refresh_that_crosses_the_last_notify_wins() {
    let mut sub = started(&[("a", "1")]);
    send(&mut sub, at(0));
    acknowledge(&mut sub, at(0));
    assert_eq!(send(&mut sub, at(3600)).state, Err(End::Timeout));
    sub.refreshed(2, at(7200));
    sub.saw_all(state(&[("a", "1")]));
    acknowledge(&mut sub, at(3600));
    let notice = send(&mut sub, at(3600));
    assert_eq!((notice.state, notice.full), (Ok(3600), true));
}

#[test]
fn a_notify_that_fails_after_a_refresh_ends_nothing() {
    for code in [408, 481, 503] {
        let mut sub = started(&[("a", "1")]);
        send(&mut sub, at(0));
        sub.refreshed(2, at(4000));
        sub.saw_all(state(&[("a", "1")]));
        assert_eq!(sub.answered(Status::new(code).unwrap(), Some(60), at(32)), Answered::Kept, "{code}");
        let notice = send(&mut sub, at(32));
        assert_eq!((notice.full, said(&notice)), (true, vec!["a - 1".to_owned()]));
        // That one counts again.
        assert_eq!(sub.answered(Status::REQUEST_TIMEOUT, None, at(64)), Answered::Over);
    }
}

#[test]
fn no_answer_keeps_what_has_ended() {
    let mut sub = started(&[("a", "1")]);
    send(&mut sub, at(0));
    assert_eq!(sub.answered(Status::SERVICE_UNAVAILABLE, Some(u32::MAX), at(0)), Answered::Kept);
    assert_eq!(sub.step(at(1)), Step::Wait(Some(at(3600))));
    assert_eq!(send(&mut sub, at(3600)).state, Err(End::Timeout));
    assert_eq!(sub.answered(Status::SERVICE_UNAVAILABLE, Some(u32::MAX), at(3600)), Answered::Over);
}

#[test]
fn a_long_farewell_comes_in_pieces() {
    let names: Vec<String> = (0..250).map(|n| format!("d{n:03}")).collect();
    let documents: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let mut sub = started(&documents);
    sub.expire_at(at(0));
    sub.end(End::Timeout);
    let notice = send(&mut sub, at(0));
    assert_eq!((notice.state, notice.differences.len()), (Ok(0), 200));
    acknowledge(&mut sub, at(0));
    let notice = send(&mut sub, at(0));
    assert_eq!((notice.state, notice.differences.len()), (Err(End::Timeout), 50));
    assert_eq!(sub.answered(Status::OK, None, at(0)), Answered::Over);

    // Who refuses a piece gets no other.
    let mut sub = started(&documents);
    sub.end(End::Timeout);
    send(&mut sub, at(0));
    assert_eq!(sub.answered(Status::SERVICE_UNAVAILABLE, None, at(0)), Answered::Over);
}

#[test]
fn a_last_look_that_cannot_be_had_holds_up_no_ending() {
    let mut sub = started(&[("a", "1")]);
    sub.refreshed(2, at(1));
    sub.end(End::Timeout);
    assert_eq!(sub.step(at(1)), Step::Wait(None));
    sub.end(End::Rejected);
    let notice = send(&mut sub, at(1));
    assert_eq!((notice.state, notice.differences.len()), (Err(End::Rejected), 0));

    let mut sub = started(&[("a", "1")]);
    sub.refreshed(2, at(1));
    sub.end(End::Timeout);
    sub.cannot_see();
    let notice = send(&mut sub, at(1));
    assert_eq!((notice.state, notice.full), (Err(End::Timeout), false));
}

#[test]
fn a_rejected_subscriber_learns_nothing_more() {
    let mut sub = started(&[("a", "1")]);
    sub.end(End::Rejected);
    let notice = send(&mut sub, at(0));
    assert_eq!((notice.state, notice.differences.len()), (Err(End::Rejected), 0));
}

#[test]
fn answers_that_end_and_answers_that_do_not() {
    for code in [404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604] {
        let mut sub = started(&[("a", "1")]);
        send(&mut sub, at(0));
        assert_eq!(sub.answered(Status::new(code).unwrap(), None, at(0)), Answered::Over, "{code}");
        assert_eq!(sub.step(at(0)), Step::Remove);
    }
    for (code, after, again) in [(500, None, 30), (503, Some(120), 120), (401, None, 30), (600, Some(0), 1)] {
        let mut sub = started(&[("a", "1")]);
        send(&mut sub, at(0));
        assert_eq!(sub.answered(Status::new(code).unwrap(), after, at(0)), Answered::Kept, "{code}");
        assert_eq!(sub.step(at(0)), Step::Wait(Some(at(again))), "{code}");
        let notice = send(&mut sub, at(again));
        assert_eq!((notice.cseq, notice.full, said(&notice)), (2, true, vec!["a - 1".to_owned()]));
    }
}

#[test]
fn after_a_restart_numbers_go_on_and_only_differences_are_said() {
    let mut sub = started(&[("a", "1")]);
    send(&mut sub, at(0));
    acknowledge(&mut sub, at(0));
    let stored = sub.to_store();
    let mut sub = Subscription::new(stored.clone(), 1, GAP);
    sub.expire_at(at(3600));
    sub.saw_all(state(&[("a", "1")]));
    assert_eq!(sub.step(at(0)), Step::Wait(Some(at(3600))));
    sub.saw_all(state(&[("a", "2")]));
    assert_eq!(sub.step(at(0)), Step::Reserve);
    sub.reserved(sub.to_store().reserved);
    let notice = send(&mut sub, at(0));
    assert_eq!((notice.cseq, said(&notice)), (stored.reserved, vec!["a 1 2".to_owned()]));

    // A SUBSCRIBE that was answered but never notified is owed its full NOTIFY.
    let mut sub = Subscription::new(stored, 2, GAP);
    sub.expire_at(at(3600));
    sub.saw_all(state(&[("a", "1")]));
    assert_eq!(sub.step(at(0)), Step::Reserve);
}

#[test]
fn numbers_are_reserved_ahead() {
    let mut sub = started(&[("a", "0")]);
    for n in 1..BLOCK {
        sub.saw("a".to_owned(), Some(etag(&n.to_string())));
        let now = at(u64::from(n) * 5);
        assert_eq!(send(&mut sub, now).cseq, n);
        acknowledge(&mut sub, now);
    }
    sub.saw("a".to_owned(), Some(etag("x")));
    assert_eq!(sub.step(at(1000)), Step::Reserve);
    assert_eq!(sub.to_store().reserved, 2 * BLOCK);
}

#[test]
fn a_long_state_is_said_in_pieces_without_delay() {
    let names: Vec<String> = (0..450).map(|n| format!("d{n:03}")).collect();
    let documents: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let mut sub = started(&documents);
    let mut total = 0;
    for piece in [200, 200, 50] {
        let notice = send(&mut sub, at(0));
        assert_eq!(notice.differences.len(), piece);
        total += piece;
        acknowledge(&mut sub, at(0));
    }
    assert_eq!(total, 450);
    assert_eq!(sub.step(at(0)), Step::Wait(Some(at(3600))));
    sub.saw("d000".to_owned(), None);
    assert_eq!(sub.step(at(0)), Step::Wait(Some(at(5))), "the rate counts again");
}
