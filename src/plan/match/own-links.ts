/** Autostart links that lead over a shared repository: each server has a folder of its own there. */
import type { Observed, ServerSeen } from '../../kinds/server/live.ts';

const isForeign = (via: string | undefined, server: string): boolean =>
  via !== undefined && !via.includes(`/autostart/${server}/`);

/** /etc/xen that was copied from another server brings its links, which lead over that one's folder: what starts the VM there is not this one's to remove. */
const withOwn = (s: ServerSeen, server: string): ServerSeen =>
  s.records.some((r) => isForeign(r.via, server))
    ? {
        ...s,
        records: s.records.map((r) => {
          if (!isForeign(r.via, server)) return r;
          const { via: _, ...rest } = r;
          return rest;
        }),
      }
    : s;

export const withOwnLinks = (observed: Observed): Observed =>
  new Map([...observed].map(([server, s]) => [server, s.is === 'seen' ? withOwn(s, server) : s] as const));
