/** Locks that outlast a plan: a roll keeps its servers to itself from its first step to its last, through their reboots. */
import type { Control, Holder } from '../core/port.ts';

export interface Kept {
  /**
   * For `execute` and errands: what is kept counts as held, and is let go of by `close` alone. Whoever asks, the lock is this
   * run's; a server that is not kept is nobody's to hold.
   */
  readonly control: Control;
  /** Takes a server's lock, or takes it anew where a reboot has ended it. */
  readonly take: (server: string) => ReturnType<Control['hold']>;
}

/** `holder`: each time another epoch. */
export const keepHeld = (control: Control, holder: () => Holder): Kept => {
  const kept = new Set<string>();
  /** A command is started once per id and epoch, and an epoch lasts for many plans: their ids have to differ. */
  let round = 0;
  const idOf = (id: string): string => {
    const [, number = '0', rest = `-${id}`] = /^(\d+)(-.*)$/.exec(id) ?? [];
    return `${round * perRound + Number(number)}${rest}`;
  };
  return {
    take: async (server) => {
      const answer = await control.hold(server, holder());
      if (answer.is === 'held') kept.add(server);
      else kept.delete(server);
      return answer;
    },
    control: {
      ...control,
      hold: async (server) => (kept.has(server) ? { is: 'held' } : { is: 'busy', by: null }),
      start: (server, id, step) => control.start(server, idOf(id), step),
      wait: (server, id) => control.wait(server, idOf(id)),
      release: async () => {
        round += 1;
      },
    },
  };
};

/** More operations than a plan has. */
const perRound = 100_000;
