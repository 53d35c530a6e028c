/** Readings that operations of one server share: whoever asks before a reading starts is served by it. */
import type { Control, Unknown } from '../core/port.ts';
import { byText } from '../core/order.ts';
import type { ServerSeen } from '../kinds/server/live.ts';
import type { Toolstack } from '../kinds/toolstack.ts';
import type { Clock } from './world.ts';

/** How much a reading must cover, as `Toolstack.reading` takes it. */
export type Scope = 'all' | 'domains';

/** A reading that starts after the call; at most one runs per server. */
export type Read = (server: string, scope: Scope, paths: readonly string[]) => Promise<ServerSeen | Unknown>;

interface Batch {
  scope: Scope;
  readonly paths: Set<string>;
  readonly answer: Promise<ServerSeen | Unknown>;
}

/** ms that a reading waits for others to join it: far less than what a reading costs. */
const gatherMs = 2;

export const shareReadings = (control: Control, toolstack: Toolstack, clock: Clock): Read => {
  const open = new Map<string, Batch>();
  const running = new Map<string, Promise<ServerSeen | Unknown>>();

  const begin = async (server: string): Promise<ServerSeen | Unknown> => {
    await running.get(server);
    await clock.sleep(gatherMs);
    const batch = open.get(server);
    open.delete(server);
    const paths = [...(batch?.paths ?? [])].sort(byText);
    const answer = control.read(server, toolstack.reading(batch?.scope ?? 'all', paths));
    running.set(server, answer);
    return answer;
  };

  return (server, scope, paths) => {
    const batch = open.get(server) ?? { scope, paths: new Set<string>(), answer: begin(server) };
    open.set(server, batch);
    if (scope === 'all') batch.scope = 'all';
    for (const p of paths) batch.paths.add(p);
    return batch.answer;
  };
};
