/** What is done to one server, a step at a time: commands, files and probes; what went wrong comes back in words. */
import { isUnknown, type ExecResult, type Unknown } from '../core/port.ts';
import { formatDuration, formatSize } from '../core/quantity.ts';
import type { ExecStep, FileStep, Filling, ProbeStep, UploadStep } from '../core/step.ts';
import type { Why } from './outcome.ts';
import { addressOf, doingOf, failureOf, isLate, maskOf, outOfReach, outputOf } from './words.ts';
import type { World } from './world.ts';

/** Why an operation is not done. */
export interface Trouble extends Why {
  readonly help?: string;
  /** `fenced`: another run took the server over. `unreachable`: the server cannot be commanded any more. */
  readonly beyond?: 'fenced' | 'unreachable';
}

/** What tells whether the last command of a list worked, where its result is lost: the conditions that follow, or nothing. */
export type Judge = 'conditions' | 'result';

/** ms between two looks at what takes its time. */
export const longestPauseMs = 3000;

/** An upload is held in memory by the piece. */
const pieceBytes = 4 * 1024 ** 2;
const placeMs = 300_000;

/** ms between two looks at a file that is filled. */
const lookMs = 5000;

/** How long one try to connect, or one look into a log, may take. */
const tryMs = 10_000;

const noShell = 127;

export interface Hands {
  readonly exec: (step: ExecStep, judge: Judge) => Promise<Trouble | null>;
  readonly file: (step: FileStep) => Promise<Trouble | null>;
  readonly upload: (step: UploadStep) => Promise<Trouble | null>;
  readonly probe: (step: ProbeStep) => Promise<Trouble | null>;
  /** What was lost on the way without being a failure yet, in words. */
  readonly lost: readonly string[];
  /** What commands that succeeded are news of, each told once: to be believed where it shows on the server, too. */
  readonly news: () => readonly Why[];
}

/** Tells what is done now, and where that is known how many bytes have come, of how many. */
export type Say = (text: string, bytes?: number, total?: number) => void;

/** Who is told how an operation goes. */
export interface Told {
  readonly say: Say;
  /** Something happened that is more than the operation says of itself. */
  readonly warn: (why: Why) => void;
}

/** Bytes, in whole MiB where they are so many. */
const sizeText = (bytes: number, round: (n: number) => number = Math.ceil): string =>
  formatSize(bytes < 1024 ** 2 ? round(bytes / 1024) : round(bytes / 1024 ** 2) * 1024);

/** What has come is told in whole MiB. */
const farText = (bytes: number, total: number | undefined): string => {
  const far = formatSize(Math.floor(bytes / 1024 ** 2) * 1024);
  return total === undefined
    ? `${far} so far`
    : `${far} of ${sizeText(total)} (${Math.floor((bytes * 100) / Math.max(1, total))}%)`;
};

const isResult = (x: ExecResult | Trouble | 'lost'): x is ExecResult => typeof x === 'object' && 'rc' in x;

/** `serial` makes the ids of the commands, unlike those of any other operation of the run; `say` tells what is done now. */
export const handsOn = (server: string, serial: string, world: World, say: Say): Hands => {
  const { control, clock } = world;
  const { detach } = world.cancel;
  const mask = maskOf(world.secrets);
  const lost: string[] = [];
  const news: Why[] = [];
  let commands = 0;

  const fenced: Trouble = { code: 'taken-over', why: `another run took over ${server}`, beyond: 'fenced' };
  const beyondReach = (u: Unknown): Trouble => ({
    code: u.reason,
    why: outOfReach(server, u),
    help: 'run apply again: it waits for what still runs on the server, looks, and plans anew',
    beyond: 'unreachable',
  });

  /** One command to its end; what it printed, without secrets. */
  const run = async (step: ExecStep): Promise<ExecResult | Trouble | 'lost'> => {
    const total = step.fills && (await wholeOf(step.fills));
    const short = step.fills && (await lacking(step.fills, total));
    if (short) return short;
    const id = `${serial}.${commands++}`;
    const started = await control.start(server, id, step);
    if (started === 'fenced') return fenced;
    if (isUnknown(started)) return beyondReach(started);
    const ending = control.wait(server, id);
    const result = await (step.fills ? watched(ending, step.fills.path, total) : ending);
    if (isUnknown(result)) return beyondReach(result);
    if (result === 'lost' || result === 'never') return 'lost';
    return { rc: result.rc, out: mask(result.out), err: mask(result.err) };
  };

  /** How many bytes a file has there; null where it is not there, or cannot be told. */
  const sizeOf = async (path: string): Promise<number | null> => {
    const result = await run({ do: 'exec', argv: ['stat', '-c', '%s', path], deadlineMs: tryMs });
    return isResult(result) && result.rc === 0 ? Number(result.out.trim()) : null;
  };

  /** How many bytes there will be; undefined where nobody tells. */
  const wholeOf = async ({ whole }: Filling): Promise<number | undefined> => {
    if (!whole) return undefined;
    const { argv, pattern, deadlineMs } = whole;
    const result = await run({ do: 'exec', argv, deadlineMs });
    if (!isResult(result) || result.rc !== 0) return undefined;
    const [, bytes] = new RegExp(pattern, 'i').exec(result.out + result.err) ?? [];
    return bytes === undefined ? undefined : Number(bytes);
  };

  /** A file that is there in part needs room for the rest only. */
  const lacking = async (
    { path, room, half }: Pick<Filling, 'path' | 'room' | 'half'>,
    total: number | undefined,
  ): Promise<Trouble | null> => {
    if (total === undefined || room === undefined || total <= room) return null;
    const there = await sizeOf(path);
    const more = total - (there ?? 0);
    if (more <= room) return null;
    // Nothing has come yet: what was made for it goes, too.
    if (half && there === null) await run({ do: 'exec', argv: half.clear, deadlineMs: tryMs });
    const place = half?.place ?? path;
    const folder = place.slice(0, place.lastIndexOf('/'));
    return {
      code: 'no-space',
      why: `${sizeText(more)} are to come, and there is room for ${sizeText(room, Math.floor)} in ${folder}: ${sizeText(more - room)} are lacking`,
      help: 'free some there, or give the repository more',
    };
  };

  /** Tells now and then how large the file is that a command fills. */
  const watched = async <T>(ending: Promise<T>, path: string, total: number | undefined): Promise<T> => {
    let over = false;
    const ended = ending.finally(() => {
      over = true;
    });
    for (;;) {
      await Promise.race([ended, clock.sleep(lookMs, detach)]);
      if (over || detach.aborted) return ended;
      const bytes = await sizeOf(path);
      if (!over && bytes !== null) say(farText(bytes, total), bytes, total);
    }
  };

  /** `; ARGV: what it prints`, or '' where that cannot be had. */
  const explained = async (argv: readonly string[]): Promise<string> => {
    const result = await run({ do: 'exec', argv, deadlineMs: tryMs });
    const said = isResult(result) && result.rc === 0 ? outputOf(result.out) : '';
    return said && `; ${argv.join(' ')}: ${said}`;
  };

  const exec = async (step: ExecStep, judge: Judge): Promise<Trouble | null> => {
    const began = clock.now();
    const result = await run(step);
    if (result === 'lost') {
      const why = `the result of ${doingOf(step)} was lost (did ${server} restart?)`;
      if (judge === 'result') return { code: 'result-lost', why };
      lost.push(why);
      say(`${why}; looking at the server`);
      return null;
    }
    if (!isResult(result)) return result;
    if (result.rc === 0 && step.news) news.push(step.news);
    if (result.rc === 0 || step.mayFail) return null;
    const tookMs = clock.now() - began;
    const why = failureOf(step, result, tookMs);
    const code = isLate(step, result, tookMs) ? 'command-late' : 'command-failed';
    const more = step.explain ? await explained(step.explain) : '';
    if (!step.undo) return { code, why: `${why}${more}` };
    const undone = await run({ do: 'exec', argv: step.undo, deadlineMs: tryMs });
    if (!isResult(undone)) return { code, why, ...(undone === 'lost' ? {} : undone) };
    return { code, why: `${why}${more}${undone.rc === 0 ? `; put right by: ${step.undo.join(' ')}` : ''}` };
  };

  const file = async (step: FileStep): Promise<Trouble | null> => {
    const answer = await control.file(server, step);
    if (answer === 'done') return null;
    if (answer === 'fenced') return fenced;
    if (isUnknown(answer)) return beyondReach(answer);
    const could = `could not ${doingOf(step)}`;
    if (answer === 'differs')
      return { code: 'file-changed', why: `${could}: somebody changed it since it was read, so it was left alone` };
    return { code: 'file-failed', why: `${could}: ${mask(answer.why)}` };
  };

  const upload = async ({ from, path, room, half }: UploadStep): Promise<Trouble | null> => {
    const local = await world.local(from);
    if ('why' in local) return { code: 'local-file-unreadable', why: `${from} cannot be read here: ${local.why}` };
    const piece = `${path}.piece`;
    try {
      const short = await lacking({ path, room, half }, local.size);
      if (short) return short;
      // Whole pieces that an earlier run brought stay: the sha256 tells in the end whether all is right.
      const there = Math.floor(((await sizeOf(path)) ?? 0) / pieceBytes);
      for (let n = there; n * pieceBytes < local.size || n === 0; n++) {
        if (detach.aborted) return { code: 'detached', why: 'detached' };
        const bytes = await local.read(n * pieceBytes, pieceBytes);
        const place = ['dd', `if=${piece}`, `of=${path}`, `bs=${pieceBytes}`, `seek=${n}`, 'conv=notrunc'];
        const trouble =
          (await file({ do: 'write', path: piece, bytes, mode: 0o600, onlyIf: 'any' })) ??
          (await exec({ do: 'exec', argv: place, deadlineMs: placeMs }, 'result'));
        if (trouble) return trouble;
        const sent = Math.min((n + 1) * pieceBytes, local.size);
        say(farText(sent, local.size), sent, local.size);
      }
      return file({ do: 'remove', path: piece, onlyIf: 'any' });
    } finally {
      await local.close();
    }
  };

  /** Null: it answers. Text: what the try said. */
  const tryOnce = async ({ from, host, port }: ProbeStep, deadlineMs: number): Promise<Trouble | string | null> => {
    if (from === 'here') return (await world.probe(host, port, deadlineMs)) ? null : '';
    const result = await run({ do: 'exec', argv: from.argv, deadlineMs });
    if (result === 'lost') return '';
    if (!isResult(result)) return result;
    if (result.rc === noShell) return { code: 'tool-missing', why: `${server} has no ${from.argv[0]} to connect with` };
    return result.rc === 0 ? null : (outputOf(result.err).split(': ').at(-1) ?? '');
  };

  const probe = async (step: ProbeStep): Promise<Trouble | null> => {
    const end = clock.now() + step.deadlineMs;
    for (let pause = 500; ; pause = Math.min(pause * 2, longestPauseMs)) {
      const said = await tryOnce(step, Math.min(tryMs, Math.max(1000, end - clock.now())));
      if (said === null || typeof said === 'object') return said;
      const left = end - clock.now();
      if (left <= 0 || detach.aborted) {
        const asked = step.from === 'here' ? 'from here' : `from ${server}`;
        const why = `${addressOf(step)} did not answer within ${formatDuration(step.deadlineMs)}, asked ${asked}`;
        return { code: 'no-answer', why: `${why}${said && `: ${said}`}` };
      }
      await clock.sleep(Math.min(pause, left), detach);
    }
  };

  return { exec, file, upload, probe, lost, news: () => news.splice(0) };
};
