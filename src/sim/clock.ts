/** The time of one simulated dom0: real, sped up, or virtual, where it passes only while somebody waits. */

interface Entry {
  readonly at: number;
  readonly seq: number;
  readonly run: () => void;
}

export interface Clock {
  /** ms since the dom0 was started. */
  now(): number;
  /** Calls `run` when `ms` have passed; in the background: on a virtual clock nobody's waiting hastens it. */
  after(ms: number, run: () => void): void;
  /** As `after`, as a promise. */
  sleep(ms: number): Promise<void>;
  /** Somebody waits for this: on a virtual clock time passes until it is settled. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Waits until nothing is due any more. */
  settle(): Promise<void>;
  /** The power is gone: what was to happen does not, and whoever waits is told `Off`. */
  cut(): void;
  close(): void;
}

/** What was waited for will not happen: the dom0 was rebooted. */
export class Off extends Error {
  constructor() {
    super('the dom0 was rebooted');
  }
}

/** When every simulated dom0 was started, in ms since 1970. */
export const startMs = 1_795_384_477_000;

/** Work that ends with `Off` where the power is cut before it is done. */
const powered = (): { readonly during: Clock['during']; readonly cut: () => void } => {
  const waiting = new Set<(error: Off) => void>();
  return {
    during: (work) =>
      new Promise((resolve, reject) => {
        waiting.add(reject);
        work.then(resolve, reject).finally(() => waiting.delete(reject));
      }),
    cut: () => {
      for (const reject of waiting) reject(new Off());
    },
  };
};

/** Earliest first; those of one time in the order in which they were asked for. */
const insert = <E extends Entry>(queue: E[], entry: E): void => {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = queue[middle];
    if (other !== undefined && other.at <= entry.at) low = middle + 1;
    else high = middle;
  }
  queue.splice(low, 0, entry);
};

/** What an event has woken goes on before this comes back: it may put the next event into the queue. */
const afterTheAwakened = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One virtual time that the clocks of several dom0s share. */
export interface Time {
  now(): number;
  /** One dom0's clock: what is cut there goes on elsewhere. */
  clock(): Clock;
  /** Nothing is due any more. */
  idle(): boolean;
  /** While it is so nothing happens by itself: `step` lets one event happen, where one is due. */
  byHand(on: boolean): void;
  step(): void;
}

/**
 * A time that jumps from event to event as fast as it can, but only inside `during`: the same calls give the same order. `seen` is called
 * once all that an event has woken stands still.
 */
export const makeTime = (start = 0, seen: () => void = () => undefined): Time => {
  const queue: (Entry & { readonly of: object })[] = [];
  let now = start;
  let seq = 0;
  let waiting = 0;
  let pumping = false;
  let still = false;
  const happen = (next: Entry): void => {
    now = next.at;
    next.run();
  };
  const pump = (): void => {
    if (still || pumping || waiting === 0 || queue.length === 0) return;
    pumping = true;
    setImmediate(() => {
      pumping = false;
      seen();
      const next = waiting > 0 && !still ? queue.shift() : undefined;
      if (next === undefined) return;
      happen(next);
      pump();
    });
  };
  const clock = (): Clock => {
    const of = {};
    const power = powered();
    let closed = false;
    const after = (ms: number, run: () => void): void => {
      if (closed) return;
      insert(queue, { of, at: now + Math.max(0, ms), seq: (seq += 1), run });
      pump();
    };
    const during = async <T>(work: Promise<T>): Promise<T> => {
      waiting += 1;
      pump();
      try {
        return await power.during(work);
      } finally {
        waiting -= 1;
      }
    };
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => after(ms, resolve));
    const forget = (): void => {
      for (let i = queue.length - 1; i >= 0; i -= 1) if (queue[i]?.of === of) queue.splice(i, 1);
    };
    return {
      now: () => now,
      after,
      sleep,
      during,
      settle: async () => {
        while (queue.length > 0) {
          await during(sleep((queue.at(-1)?.at ?? now) - now));
          await afterTheAwakened();
        }
      },
      cut: () => {
        forget();
        power.cut();
      },
      close: () => {
        closed = true;
        forget();
      },
    };
  };
  return {
    now: () => now,
    clock,
    idle: () => queue.length === 0,
    byHand: (on) => {
      still = on;
      pump();
    },
    step: () => {
      seen();
      const next = queue.shift();
      if (next !== undefined) happen(next);
    },
  };
};

/** A clock that goes `speed` times as fast as the wall's. */
const realClock = (speed: number): Clock => {
  const queue: Entry[] = [];
  const power = powered();
  const start = performance.now();
  let seq = 0;
  let timer: NodeJS.Timeout | undefined;
  let fired = 0;
  // Never past an event that has not run: what it does must see its own time.
  const now = (): number => Math.max(fired, (performance.now() - start) * speed);
  const arm = (): void => {
    clearTimeout(timer);
    const next = queue[0];
    if (next === undefined) return;
    timer = setTimeout(
      () => {
        const due = now();
        while (queue[0] !== undefined && queue[0].at <= due) {
          const entry = queue.shift();
          fired = Math.max(fired, entry?.at ?? 0);
          entry?.run();
        }
        arm();
      },
      Math.max(0, (next.at - now()) / speed),
    );
  };
  const after = (ms: number, run: () => void): void => {
    insert(queue, { at: now() + Math.max(0, ms), seq: (seq += 1), run });
    arm();
  };
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => after(ms, resolve));
  return {
    now,
    after,
    sleep,
    during: power.during,
    settle: async () => {
      while (queue.length > 0) {
        await sleep((queue.at(-1)?.at ?? 0) - now());
        await afterTheAwakened();
      }
    },
    cut: () => {
      clearTimeout(timer);
      queue.length = 0;
      power.cut();
    },
    close: () => {
      clearTimeout(timer);
      queue.length = 0;
    },
  };
};

/** `speed` 1: real delays; Infinity: virtual ones. */
export const makeClock = (speed: number): Clock => (Number.isFinite(speed) ? realClock(speed) : makeTime().clock());
