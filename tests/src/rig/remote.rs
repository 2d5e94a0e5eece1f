//! Kernels run by another program: a second WebGPU, with a WGSL compiler of its own.
//!
//! The program says a line of JSON when it is ready, then one for each line that it reads:
//!
//! | who | line |
//! |---|---|
//! | program, once | `{"device": NAME}` |
//! | bellwether | `{"data": FILE, "words": [W, …], "calls": [{"text": WGSL, "ranges": [[BUFFER, OFFSET, SIZE], …], "groups": [X, Y, Z]}, …]}` |
//! | program | `{}` once FILE holds what the buffers hold after the calls |
//!
//! FILE holds the buffers one behind another, W words each. Ranges are in bytes, one per binding, all in group 0 of
//! entry point `main`. Instead of any line, the program may say `{"error": WHY}`.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bellwether_gpu::{Bound, Context, Recorded, Slice, wgpu};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::Rig;
use crate::problem::RunError;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program.
#[derive(Debug)]
pub struct Remote {
    device: String,
    file: NamedTempFile,
    pipes: RefCell<Pipes>,
}

#[derive(Debug)]
struct Pipes {
    child: Child,
    to: ChildStdin,
    from: Receiver<std::io::Result<String>>,
}

impl Remote {
    /// Starts a program and waits until it has a device.
    ///
    /// # Errors
    /// The program does not start, or has no device.
    pub fn start(program: &str, args: &[String]) -> Result<Self, RunError> {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().map_err(|why| RunError::Remote(format!("{program} does not start: {why}")))?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(RunError::Remote(format!("{program} has no pipes")));
        };
        // A thread reads, so that a program that hangs is an error and not a hang of ours.
        let (send, lines) = channel();
        std::thread::spawn(move || BufReader::new(from).lines().try_for_each(|line| send.send(line)));
        let mut pipes = Pipes { child, to, from: lines };
        let ready = pipes.line()?;
        let device = ready["device"].as_str();
        let device = device.ok_or_else(|| RunError::Remote(format!("no device in {ready}")))?.to_owned();
        let file = NamedTempFile::new().map_err(failed)?;
        Ok(Self { device, file, pipes: RefCell::new(pipes) })
    }

    /// What the program runs on, in its own words.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Runs what was recorded, from what the buffers hold now, and puts the results into them.
    pub(super) fn run(&self, rig: &Rig, recorded: &Recorded) -> Result<(), RunError> {
        let context = &rig.context;
        let mut buffers: Vec<&wgpu::Buffer> = Vec::new();
        let calls: Vec<Value> =
            recorded.calls().iter().map(|call| described(rig, call, &mut buffers)).collect();
        let images = buffers.iter().map(|buffer| context.download_u32_blocking(Slice::whole(buffer)));
        let images = images.collect::<Result<Vec<_>, _>>()?;
        std::fs::write(self.file.path(), bytemuck::cast_slice(&images.concat())).map_err(failed)?;
        let words: Vec<_> = images.iter().map(Vec::len).collect();
        let job = json!({"data": self.file.path(), "words": words, "calls": calls});
        self.pipes.borrow_mut().ask(&job)?;
        let bytes = std::fs::read(self.file.path()).map_err(failed)?;
        if bytes.len() != 4 * words.iter().sum::<usize>() {
            return Err(RunError::Remote(format!("{} bytes came back of {words:?} words", bytes.len())));
        }
        put_back(context, &buffers, &bytes);
        Ok(())
    }
}

/// The buffers' new contents; arguments, which no kernel can write, stay.
fn put_back(context: &Context, buffers: &[&wgpu::Buffer], mut bytes: &[u8]) {
    for buffer in buffers {
        let (content, rest) = bytes.split_at(buffer.size() as usize);
        if buffer.usage().contains(wgpu::BufferUsages::COPY_DST) {
            context.queue().write_buffer(buffer, 0, content);
        }
        bytes = rest;
    }
}

/// One dispatch; buffers that are new are added to the list.
fn described<'a>(rig: &Rig, call: &'a Bound, buffers: &mut Vec<&'a wgpu::Buffer>) -> Value {
    let ranges = call.ranges().iter().map(|(buffer, bytes)| {
        let known = buffers.iter().position(|known| *known == buffer);
        let place = known.unwrap_or_else(|| {
            buffers.push(buffer);
            buffers.len() - 1
        });
        json!([place, bytes.start, bytes.end - bytes.start])
    });
    let ranges: Vec<Value> = ranges.collect();
    let (source, dialect) = call.text_of();
    json!({"text": rig.text(source, dialect), "ranges": ranges, "groups": call.groups()})
}

impl Pipes {
    fn ask(&mut self, job: &Value) -> Result<(), RunError> {
        writeln!(self.to, "{job}").and_then(|()| self.to.flush()).map_err(failed)?;
        self.line().map(drop)
    }

    fn line(&mut self) -> Result<Value, RunError> {
        let line = match self.from.recv_timeout(PATIENCE) {
            Ok(line) => line.map_err(failed)?,
            Err(why) => {
                // Dead or stuck: the next run fails at once.
                let _gone = self.child.kill();
                return Err(RunError::Remote(format!(
                    "no answer in {} s, or it ended: {why}",
                    PATIENCE.as_secs()
                )));
            }
        };
        let answer: Value = serde_json::from_str(&line).map_err(failed)?;
        match answer["error"].as_str() {
            Some(why) => Err(RunError::Remote(why.to_owned())),
            None => Ok(answer),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let child = &mut self.pipes.get_mut().child;
        let _gone = child.kill();
        let _ended = child.wait();
    }
}

fn failed(why: impl std::fmt::Display) -> RunError {
    RunError::Remote(why.to_string())
}
