/** Carries out the hold, op, wait and write texts: the locks, the epoch, at most once, compare and swap. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { controlOf, running, startOperation, type Control, type Dom0 } from './dom0.ts';

/** A command's standard input and output. */
export interface Io {
  /** The next line without its newline; null at the end of the input. */
  line(): Promise<string | null>;
  /** All that is left of the input. */
  rest(): Promise<Buffer>;
  write(text: string | Uint8Array): void;
}

/** Returns the exit code. */
export type Text = (dom0: Dom0, args: readonly string[], io: Io) => Promise<number>;

const say = (io: Io, line: string, rc = 0): number => {
  io.write(`${line}\n`);
  return rc;
};

/** A sign of life within so many seconds: of real time, since a person's machine sends it. */
const beat = async (io: Io, seconds: number): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), seconds * 1000);
  });
  const line = await Promise.race([io.line(), silence]);
  clearTimeout(timer);
  return line !== null && line !== '';
};

const tellRunning = (control: Control, io: Io): void => {
  for (const [id, o] of control.operations) if (!o.over) io.write(`OP ${id} ${o.stuck() ? 'D' : '-'} ${o.command}\n`);
};

/** How many seconds what was told to end is waited for. */
const endS = 12;

/** Takes the lock from whoever has it, ends operations, and keeps nothing. */
const breakHold = async (dom0: Dom0, control: Control, ids: readonly string[], io: Io): Promise<number> => {
  control.holder?.end();
  control.holder = null;
  for (const id of ids) control.operations.get(id)?.end();
  for (let n = 0; n < endS && running(control).length > 0; n += 1)
    await dom0.world.clock.during(dom0.world.clock.sleep(1000));
  tellRunning(control, io);
  return say(io, 'OK');
};

export const hold: Text = async (dom0, [dir = '', epoch = '', silence = '', owner = '', mode = '', ...ids], io) => {
  const control = controlOf(dom0, dir);
  if (mode === 'look') {
    say(io, control.holder === null ? 'FREE' : 'HELD');
    say(io, control.owner);
    tellRunning(control, io);
    return 0;
  }
  const no = dom0.world.files.refused(dir, true);
  if (no !== null) return say(io, `FAILED cannot write to ${dir}: ${no}`, 74);
  const refused = (word: string, rc: number): number => say(io, `${word}\n${control.owner}`, rc);
  if (mode === 'break') {
    control.owner = owner;
    control.epoch = epoch;
    return breakHold(dom0, control, ids, io);
  }
  if (control.holder !== null) return refused('HELD', 73);
  let end = (): void => {};
  const killed = new Promise<false>((resolve) => {
    end = () => resolve(false);
  });
  const holder = { end };
  control.holder = holder;
  dom0.world.files.mkdir(dir);
  try {
    if (mode === 'again') {
      if (control.epoch !== epoch) return refused('FENCED', 75);
    } else {
      control.owner = owner;
      control.epoch = epoch;
      while (running(control).length > 0) {
        io.write('BUSY\n');
        // It looks once per beat; while it waits, time passes for what it waits for.
        const alive = await dom0.world.clock.during(beat(io, Number(silence)));
        if (!alive) return 0;
      }
      control.operations.clear();
    }
    io.write('OK\n');
    while (await Promise.race([beat(io, Number(silence)), killed]));
    return 0;
  } finally {
    if (control.holder === holder) control.holder = null;
  }
};

export const op: Text = async (dom0, [dir = '', epoch = '', id = '', deadline = '', ...argv], io) => {
  const control = controlOf(dom0, dir);
  if (control.epoch === null || control.epoch !== epoch) return say(io, 'FENCED', 75);
  if (control.operations.has(id)) return say(io, 'ALREADY');
  control.operations.set(id, startOperation(dom0, Number(deadline), argv, `${dir}/ops/${id}`));
  return say(io, 'STARTED');
};

export const wait: Text = async (dom0, [dir = '', id = ''], io) => {
  const operation = controlOf(dom0, dir).operations.get(id);
  if (operation === undefined) return say(io, 'NEVER');
  // Of real time, since a person's machine waits for it.
  const signs = setInterval(() => io.write('.\n'), 10_000);
  try {
    await dom0.world.clock.during(operation.ended);
  } finally {
    clearInterval(signs);
  }
  const { result } = operation;
  if (result === null) return say(io, operation.begun ? 'LOST' : 'NEVER');
  const out = Buffer.from(result.out);
  const err = Buffer.from(result.err);
  io.write(`RC ${result.rc} ${out.length} ${err.length}\n`);
  io.write(Buffer.concat([out, err]));
  return 0;
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const write: Text = async (dom0, [dir = '', epoch = '', verb = '', path = '', mode = ''], io) => {
  const { files } = dom0.world;
  const [onlyIf = '', digest = ''] = ((await io.line()) ?? '').split(' ');
  const control = controlOf(dom0, dir);
  if (control.epoch === null || control.epoch !== epoch) return say(io, 'FENCED', 75);
  const bad = (why: string): number => say(io, `FAILED cannot ${verb} ${path}: ${why}`, 74);
  const have = (): string => {
    const node = files.resolve(path);
    if (node?.is === 'file') return sha256(node.bytes);
    return files.get(path) === undefined ? 'absent' : 'special';
  };
  if (verb === 'remove') {
    if (have() === 'absent') return say(io, 'DONE');
    if (onlyIf !== 'any' && onlyIf !== have()) return say(io, 'DIFFERS');
    if (files.get(path)?.is === 'dir') return bad('it is a folder');
    const why = files.remove(path);
    return why === null ? say(io, 'DONE') : bad(why);
  }
  if (have() === digest) return say(io, 'DONE');
  const expected = (): boolean => onlyIf === 'any' || have() === onlyIf;
  if (!expected()) return say(io, 'DIFFERS');
  if (have() === 'special' || files.get(path)?.is === 'link') return bad('it is not a regular file');
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  if (files.resolve(folder)?.is !== 'dir') return bad(`there is no folder ${folder}`);
  const bytes = await io.rest();
  const no = dom0.world.files.refused(path, true);
  if (no !== null) return bad(no);
  if (sha256(bytes) !== digest) return bad('the bytes did not arrive whole');
  if (!expected()) return say(io, 'DIFFERS');
  const why = files.write(path, bytes, Number.parseInt(mode, 8));
  return why === null ? say(io, 'DONE') : bad(why);
};
