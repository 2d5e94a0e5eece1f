//! Buffers up, dispatches through, buffers down.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use super::{Context, lock};
use crate::error::{Error, product};
use crate::record::{Recorded, filled};
use crate::scope::Scope;
use crate::slice::{ELEMENT, Slice};

/// The bits that fresh outputs hold: a NaN that no kernel writes.
pub const POISON: u32 = 0x7fc0_dead;

/// Dispatches per submission: long lists are cut, for drivers that kill what runs for seconds.
const PER_SUBMISSION: usize = 64;

const OP: &str = "context";

/// What a context's buffers can be used for.
const USAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);

impl Context {
    /// A storage buffer with these numbers (16 bytes at least).
    ///
    /// # Errors
    /// [`Error::LimitTooSmall`], [`Error::OutOfMemory`], [`Error::DeviceLost`].
    pub fn upload_f32(&self, values: &[f32]) -> Result<wgpu::Buffer, Error> {
        self.upload(bytemuck::cast_slice(values))
    }

    /// A storage buffer with these words.
    ///
    /// # Errors
    /// As [`Context::upload_f32`].
    pub fn upload_u32(&self, values: &[u32]) -> Result<wgpu::Buffer, Error> {
        self.upload(bytemuck::cast_slice(values))
    }

    /// A storage buffer with these labels.
    ///
    /// # Errors
    /// As [`Context::upload_f32`].
    pub fn upload_i32(&self, values: &[i32]) -> Result<wgpu::Buffer, Error> {
        self.upload(bytemuck::cast_slice(values))
    }

    /// A storage buffer of so many elements, each [`POISON`]: what a kernel does not write stays visible.
    ///
    /// # Errors
    /// As [`Context::upload_f32`], and [`Error::SizeOverflow`].
    pub fn poisoned(&self, elements: usize) -> Result<wgpu::Buffer, Error> {
        let have = self.device().limits().max_buffer_size;
        let need = product(OP, "output", elements as u64, ELEMENT)?;
        if need > have {
            let limit = "max_buffer_size";
            return Err(Error::LimitTooSmall { op: OP, arg: "output", limit, need, have });
        }
        self.upload_u32(&vec![POISON; elements])
    }

    /// A storage buffer whose content does not matter.
    pub(super) fn scratch(&self, size: u64) -> Result<wgpu::Buffer, Error> {
        self.alive()?;
        let have = self.device().limits().max_buffer_size;
        if size > have {
            let limit = "max_buffer_size";
            return Err(Error::LimitTooSmall { op: OP, arg: "scratch", limit, need: size, have });
        }
        let scope = Scope::open(self.device());
        let size = size.max(16);
        let descriptor =
            wgpu::BufferDescriptor { label: Some("scratch"), size, usage: USAGE, mapped_at_creation: false };
        let buffer = self.device().create_buffer(&descriptor);
        match scope.close_now() {
            Some(caught) => Err(caught.into_error(OP, "scratch", size)),
            None => Ok(buffer),
        }
    }

    fn upload(&self, bytes: &[u8]) -> Result<wgpu::Buffer, Error> {
        self.alive()?;
        filled(self.device(), OP, bytes, USAGE)
    }

    /// Submits recorded dispatches. Returns before they are done; a download waits for them.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], and what wgpu refuses.
    pub async fn run(&self, recorded: &Recorded) -> Result<(), Error> {
        self.alive()?;
        let caught = self.submit_all(recorded);
        match caught.await {
            Some(caught) => Err(caught.into_error(OP, "dispatches", 0)),
            None => self.alive(),
        }
    }

    /// The part of `run` that holds scopes, which no await may divide.
    fn submit_all(&self, recorded: &Recorded) -> impl Future<Output = Option<crate::scope::Caught>> + use<> {
        let scope = Scope::open(self.device());
        for calls in recorded.calls().chunks(PER_SUBMISSION) {
            let mut encoder =
                self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for call in calls {
                call.encode(&mut pass);
            }
            drop(pass);
            self.queue().submit([encoder.finish()]);
        }
        scope.close()
    }

    /// The numbers of a slice, once everything submitted before is done.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::DeviceLost`], [`Error::BufferUsage`] for a buffer without `COPY_SRC`.
    pub async fn download_f32(&self, slice: Slice<'_>) -> Result<Vec<f32>, Error> {
        Ok(self.download_u32(slice).await?.into_iter().map(f32::from_bits).collect())
    }

    /// The words of a slice, once everything submitted before is done.
    ///
    /// # Errors
    /// As [`Context::download_f32`].
    pub async fn download_u32(&self, slice: Slice<'_>) -> Result<Vec<u32>, Error> {
        if slice.elements() == 0 {
            return Ok(Vec::new());
        }
        self.alive()?;
        self.check_source(&slice)?;
        let (staging, index, caught) = self.copy_down(&slice);
        if let Some(caught) = caught.await {
            return Err(caught.into_error(OP, "download", slice.size));
        }
        self.mapped(&staging, index).await?;
        let lost = |error: wgpu::MapRangeError| Error::DeviceLost { text: error.to_string() };
        let view = staging.get_mapped_range(..).map_err(lost)?;
        let words = view.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        Ok(words.collect())
    }

    fn check_source(&self, slice: &Slice<'_>) -> Result<(), Error> {
        let (op, arg) = (OP, "download");
        slice.holds(op, arg, slice.elements())?;
        if !slice.buffer.usage().contains(wgpu::BufferUsages::COPY_SRC) {
            let have = format!("{:?}", slice.buffer.usage());
            return Err(Error::BufferUsage { op, arg, need: "COPY_SRC", have });
        }
        if !(slice.offset | slice.size).is_multiple_of(ELEMENT) {
            return Err(Error::Misaligned { op, arg, given: slice.offset | slice.size, align: ELEMENT });
        }
        Ok(())
    }

    /// Submits the copy of a slice into a buffer that the host can map.
    fn copy_down(
        &self,
        slice: &Slice<'_>,
    ) -> (wgpu::Buffer, wgpu::SubmissionIndex, impl Future<Output = Option<crate::scope::Caught>> + use<>)
    {
        let scope = Scope::open(self.device());
        let staging = self.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("download"),
            size: slice.size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(slice.buffer, slice.offset, &staging, 0, slice.size);
        let index = self.queue().submit([encoder.finish()]);
        (staging, index, scope.close())
    }

    /// Waits until the buffer is mapped.
    async fn mapped(&self, staging: &wgpu::Buffer, index: wgpu::SubmissionIndex) -> Result<(), Error> {
        let answer: Arc<Mutex<Answer>> = Arc::default();
        let told = Arc::clone(&answer);
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            let mut answer = lock(&told);
            answer.result = Some(result);
            if let Some(waker) = answer.waker.take() {
                waker.wake();
            }
        });
        if cfg!(not(target_family = "wasm")) {
            self.wait(index)?;
        }
        let result = poll_fn(|context| {
            let mut answer = lock(&answer);
            match answer.result.take() {
                Some(result) => Poll::Ready(Some(result)),
                // Natively the wait above has run every callback: no answer means that there will be none.
                None if cfg!(not(target_family = "wasm")) => Poll::Ready(None),
                None => {
                    answer.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        });
        match result.await {
            Some(Ok(())) => self.alive(),
            Some(Err(error)) => Err(Error::DeviceLost { text: self.lost().unwrap_or(error.to_string()) }),
            None => Err(Error::DeviceLost { text: "no answer from the driver".into() }),
        }
    }

    fn wait(&self, index: wgpu::SubmissionIndex) -> Result<(), Error> {
        let kind = wgpu::PollType::Wait { submission_index: Some(index), timeout: Some(self.timeout) };
        match self.device().poll(kind) {
            Ok(_) => Ok(()),
            Err(wgpu::PollError::Timeout) => Err(Error::Timeout { op: OP, seconds: self.timeout.as_secs() }),
            Err(error) => Err(Error::DeviceLost { text: error.to_string() }),
        }
    }
}

/// What the mapping callback leaves for the future that waits for it.
#[derive(Default)]
struct Answer {
    result: Option<Result<(), wgpu::BufferAsyncError>>,
    waker: Option<Waker>,
}
