/** What would be process state, given by the caller: home, agent, prompt, clock, randomness, and how long to wait. */

/** All in ms. */
export interface Deadlines {
  /** For reaching a server and logging in, for each hop; a server's own `connectTimeout` wins. */
  readonly connect: number;
  /** How often a hold gives a sign of life, and a connection is probed. */
  readonly beat: number;
  /** After so much silence a dom0 lets go of its lock, and this side gives up the connection, or the answer that it waits for. */
  readonly silence: number;
  /** For one answer to a reading that has no deadline of its own, the connection included. */
  readonly read: number;
  /** How long a lost connection is tried again for a command that may be sent twice. */
  readonly reconnect: number;
  /** How long `hold` waits for what an earlier run left running. */
  readonly drain: number;
  /** What `wait` allows beyond the deadline of the command itself. */
  readonly margin: number;
}

const defaultDeadlines: Deadlines = {
  connect: 15_000,
  beat: 5_000,
  silence: 30_000,
  read: 120_000,
  reconnect: 90_000,
  drain: 900_000,
  margin: 60_000,
};

export interface TransportEnv {
  /** Where `.ssh` is and `~` points to. */
  readonly home: string;
  /** Who runs Reeve: for `address: local`, and the name that a jump host is asked with unless another is given. */
  readonly user: string;
  /** SSH_AUTH_SOCK. */
  readonly agent: string | undefined;
  /** REEVE_SSH_PASSPHRASE: tried on encrypted keys before anybody is asked. */
  readonly passphrase: string | undefined;
  /** Asks the person at the terminal; null: no answer. Undefined where there is no terminal. */
  readonly prompt: ((question: string, hidden: boolean) => Promise<string | null>) | undefined;
  /** ms; only differences count. */
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly deadlines?: Partial<Deadlines>;
  /** Bytes of an answer to a reading, which is held in memory; unless said, 64 MiB: some thousand guests with their cfgs. */
  readonly mostBytes?: number;
  /** Where a dom0 keeps locks and operations; `/run/reeve` unless said. */
  readonly dir?: string;
}

/** The same, with a clock that stands still while a person is asked: their time counts for no deadline. */
export const patient = (env: TransportEnv): TransportEnv => {
  const { prompt } = env;
  if (prompt === undefined) return env;
  let asked = 0;
  let askedSince: number | undefined;
  return {
    ...env,
    now: () => (askedSince ?? env.now()) - asked,
    prompt: async (question, hidden) => {
      askedSince = env.now();
      try {
        return await prompt(question, hidden);
      } finally {
        asked += env.now() - askedSince;
        askedSince = undefined;
      }
    },
  };
};

/** `late` where the work is not done by `until`, a moment of the clock; it goes on by itself then. */
export const within = async <T>(work: Promise<T>, until: number, now: () => number): Promise<T | 'late'> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    const look = (): void => {
      const left = until - now();
      if (left <= 0) resolve('late');
      else timer = setTimeout(look, Math.min(left, 2 ** 31 - 1));
    };
    look();
  });
  const result = await Promise.race([work, late]);
  clearTimeout(timer);
  return result;
};

export const deadlinesOf = (env: TransportEnv): Deadlines => ({ ...defaultDeadlines, ...env.deadlines });
