/** What VMs left on servers where they no longer are: cfgs, and halves of migrations that broke off. */
import { ref } from '../../core/ref.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import { viasTo, volumesAmong } from '../../kinds/vm/lease.ts';
import type { VmOp } from '../../kinds/vm/ops.ts';
import type { Found } from './match.ts';

export const forgetting = (
  key: string,
  farm: string,
  stale: readonly Found[],
  home: Pick<Found, 'server' | 'uuid'>,
  seenOf: (server: string) => ServerSeen | undefined,
): readonly VmOp[] =>
  stale.flatMap(({ server, name, live: { record }, ...found }): readonly VmOp[] => {
    const uuid = found.uuid ?? home.uuid;
    if (!record || uuid === null) return [];
    const { path, digest, autostart, via } = record;
    const seen = seenOf(server);
    const through = seen ? viasTo(seen.storage, farm, server, path) : [];
    const links = [...new Set([...autostart, ...(via === undefined ? [] : [via]), ...through])];
    // A run that broke off may have left them open.
    const beside = server === home.server;
    const volumes = beside ? [] : volumesAmong(Object.values(record.config?.disks ?? {}));
    return [{ vm: ref('vm', key), server, uuid, name, verb: 'forget', path, digest, links, volumes, beside }];
  });

/**
 * `home`: where the VM itself runs. What was to come stands still there, paused; what was sent away has that name only once
 * its target has all of it, and is suspended.
 */
export const discarding = (key: string, halves: readonly Found[], home: Found): readonly VmOp[] =>
  halves.flatMap(({ server, uuid, name, live: { domain } }): readonly VmOp[] => {
    const up = home.live.domain?.state === 'running' || home.live.domain?.state === 'paused';
    const still = domain !== null && (domain.state === 'paused' || name.endsWith('--migratedaway'));
    if (uuid === null || !still || !up || server === home.server) return [];
    return [{ vm: ref('vm', key), server, uuid, name, verb: 'discard', home: home.server }];
  });
