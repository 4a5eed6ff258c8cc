//! `ablatrix status --watch` on a terminal: the whole screen, drawn anew each second, from any terminal that sees the cache.

mod machine;
mod view;
#[cfg(test)]
mod view_tests;

use std::io;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::render::Failure;
use crate::engine::Overview;
use crate::plan::Plan;
use machine::Machine;
use view::{Shown, View};

/// How often the study is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// What a look at a study gives.
pub struct Look<'p> {
    /// The study as it is planned now.
    pub plan: &'p Plan,
    /// How its stages stand.
    pub now: Overview,
    /// Nothing more will come by itself.
    pub is_over: bool,
}

/// Shows the study until it is over or somebody has seen enough; `look` looks at it and draws by what it is handed. Gives back the exit
/// code that the last look asks for.
///
/// # Errors
/// Where the terminal cannot be drawn on, and what `look` says.
pub fn watch(mut look: impl FnMut(&mut dyn FnMut(Look<'_>)) -> Result<u8, Failure>) -> Result<u8, Failure> {
    let mut screen = Screen::open().map_err(|error| fault(&error))?;
    let mut machine = Machine::default();
    let mut view = View::new(super::display::colour(&true));
    loop {
        let next = Instant::now() + PAUSE;
        let mut over = false;
        let mut drawn = Ok(());
        let code = look(&mut |found| {
            over = found.is_over;
            let shown = Shown { plan: found.plan, now: &found.now, machine: machine.look() };
            drawn = screen.hold(&mut view, &shown, next);
        })?;
        let leaves = drawn.map(|()| screen.leaves).map_err(|error| fault(&error))?;
        if over || leaves {
            return Ok(code);
        }
    }
}

fn fault(error: &io::Error) -> Failure {
    let help = "`ablatrix status SPEC --watch | cat` tells changes line by line, on any terminal";
    Failure::new(1, error, Some(help))
}

/// The terminal while it is ours.
struct Screen {
    terminal: DefaultTerminal,
    leaves: bool,
}

impl Screen {
    fn open() -> io::Result<Self> {
        Ok(Screen { terminal: ratatui::try_init()?, leaves: false })
    }

    /// Draws what was found, and answers keys until it is time to look again.
    fn hold(&mut self, view: &mut View, shown: &Shown<'_>, until: Instant) -> io::Result<()> {
        self.terminal.draw(|frame| view.draw(frame, shown))?;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !event::poll(left)? {
                return Ok(());
            }
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    if is_end(&key) {
                        self.leaves = true;
                        return Ok(());
                    }
                    view.key(key.code);
                }
                Event::Resize(..) => {}
                _ => continue,
            }
            self.terminal.draw(|frame| view.draw(frame, shown))?;
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Whether somebody has seen enough.
fn is_end(key: &KeyEvent) -> bool {
    let controls = key.modifiers.contains(KeyModifiers::CONTROL);
    matches!((key.code, controls), (KeyCode::Char('q') | KeyCode::Esc, false) | (KeyCode::Char('c'), true))
}
