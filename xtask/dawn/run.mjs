// Runs recorded kernels through Dawn and Tint: node run.mjs FOLDER_OF_THE_PACKAGE_webgpu
//
// The protocol is in tests/src/rig/remote.rs: a line with the device, then an answer to each line of standard input.
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const say = (answer) => fs.writeSync(1, `${JSON.stringify(answer)}\n`);

async function open(folder) {
  const { create, globals } = await import(pathToFileURL(path.resolve(folder, 'index.js')));
  Object.assign(globalThis, globals);
  // The object must live as long as the device: Dawn's instance goes with it.
  globalThis.gpu = create([]);
  const adapter = await globalThis.gpu.requestAdapter();
  if (!adapter) throw new Error('Dawn finds no adapter that it takes');
  const device = await adapter.requestDevice();
  const faults = [];
  device.addEventListener('uncapturederror', (event) => faults.push(event.error.message));
  device.lost.then((info) => faults.push(`device lost: ${info.message}`));
  const { description, device: name } = adapter.info;
  return { device, faults, pipelines: new Map(), name: `${description || name}, through Dawn` };
}

// The type of each binding, from the text itself.
function layoutOf(device, text) {
  const types = { uniform: 'uniform', 'storage,read': 'read-only-storage', 'storage,read_write': 'storage' };
  const found = [...text.matchAll(/@binding\((\d+)\)\s*var<([^>]*)>/g)];
  const entries = found.map(([, binding, space]) => {
    const type = types[space.replaceAll(' ', '')];
    return { binding: Number(binding), visibility: GPUShaderStage.COMPUTE, buffer: { type } };
  });
  return device.createBindGroupLayout({ entries });
}

async function pipelineOf({ device, pipelines }, text) {
  if (!pipelines.has(text)) {
    const module = device.createShaderModule({ code: text });
    const { messages } = await module.getCompilationInfo();
    const wrong = messages.filter((message) => message.type === 'error');
    if (wrong.length) throw new Error(wrong.map((m) => `Tint, line ${m.lineNum}: ${m.message}`).join('\n'));
    const layout = layoutOf(device, text);
    const compute = { module, entryPoint: 'main' };
    const whole = device.createPipelineLayout({ bindGroupLayouts: [layout] });
    pipelines.set(text, { layout, pipeline: device.createComputePipeline({ layout: whole, compute }) });
  }
  return pipelines.get(text);
}

function upload(device, words, data) {
  let at = 0;
  return words.map((count) => {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size: 4 * count, usage });
    device.queue.writeBuffer(buffer, 0, data, at, 4 * count);
    at += 4 * count;
    return buffer;
  });
}

async function download(device, buffers) {
  const encoder = device.createCommandEncoder();
  const size = buffers.reduce((sum, buffer) => sum + buffer.size, 0);
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  let at = 0;
  for (const buffer of buffers) {
    encoder.copyBufferToBuffer(buffer, 0, staging, at, buffer.size);
    at += buffer.size;
  }
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const data = Buffer.from(staging.getMappedRange().slice(0));
  staging.unmap();
  staging.destroy();
  return data;
}

async function run(host, job) {
  const { device } = host;
  if (!job.calls.length) return;
  device.pushErrorScope('validation');
  const pipelines = [];
  for (const call of job.calls) pipelines.push(await pipelineOf(host, call.text));
  const buffers = upload(device, job.words, fs.readFileSync(job.data));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  job.calls.forEach((call, i) => {
    const entries = call.ranges.map(([buffer, offset, size], binding) => {
      return { binding, resource: { buffer: buffers[buffer], offset, size } };
    });
    pass.setPipeline(pipelines[i].pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipelines[i].layout, entries }));
    pass.dispatchWorkgroups(...call.groups);
  });
  pass.end();
  device.queue.submit([encoder.finish()]);
  const refused = await device.popErrorScope();
  if (refused) throw new Error(refused.message);
  fs.writeFileSync(job.data, await download(device, buffers));
  buffers.forEach((buffer) => buffer.destroy());
}

async function answer(host, line) {
  try {
    await run(host, JSON.parse(line));
    if (host.faults.length) throw new Error(host.faults.splice(0).join('\n'));
    return {};
  } catch (error) {
    return { error: [error.message, ...host.faults.splice(0)].join('\n') };
  }
}

try {
  const host = await open(process.argv[2]);
  say({ device: host.name });
  for await (const line of createInterface({ input: process.stdin })) say(await answer(host, line));
  process.exit(0);
} catch (error) {
  say({ error: error.message });
  process.exit(1);
}
