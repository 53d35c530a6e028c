/** Who is in the middle of something: VMs for which a run's operation is carried out, and those that are on their way. */
import type { Reason } from '../../core/reason.ts';
import type { Farm } from '../../kinds/farm.ts';
import { seenOn, type Observed, type UnderWay } from '../../kinds/server/live.ts';
import type { Found } from './match.ts';

/** What xl calls a domain that a migration is still bringing, and one that it has sent away. */
export const isHalf = (name: string): boolean => name.endsWith('--incoming') || name.endsWith('--migratedaway');

/** As `apply` makes the id of a command from that of its operation: `3-web.migrate.0`. */
const beginsWith = (operation: string, key: string): boolean =>
  operation.replace(/^\d+-/, '').startsWith(`${key.replaceAll(/[^A-Za-z0-9._+-]/g, '.')}.`);

const helper = 'libxl-save-helper';

/** `whatever`: an operation that neither moves the VM nor copies its disks counts, too. */
export type BusyOf = (key: string, found: readonly Found[], whatever?: boolean) => Reason | null;

/** What takes its time, and while it lasts what is seen of the VM and of its disks is neither here nor there. */
const moves: ReadonlySet<string> = new Set(['xl migrate', 'xl save', 'xl restore', helper, 'dd', 'cp', 'qemu-img']);

/** Nothing is planned for such a VM: what was seen of it is a moment's, and none of it is to be taken away. */
export const busyIn = (farm: Farm, observed: Observed): BusyOf => {
  const all = [...observed.keys()].flatMap((server) =>
    (seenOn(observed, server)?.underWay ?? []).map((u) => ({ ...u, server })),
  );
  if (all.length === 0) return () => null;
  const isOf = ({ operation }: UnderWay, key: string): boolean =>
    operation !== null &&
    beginsWith(operation, key) &&
    !farm.vms.some((v) => v.key.length > key.length && beginsWith(operation, v.key));
  return (key, found, whatever = false) => {
    const uuids = new Set(found.flatMap((f) => [f.uuid, f.marker?.uuid ?? null]).filter((u) => u !== null));
    const comesTo = new Set(found.flatMap((f) => (f.live.domain && isHalf(f.name) ? [f.server] : [])));
    const its = all.filter((u) => u.uuid !== null && uuids.has(u.uuid));
    const one =
      all.find((u) => isOf(u, key) && (whatever || moves.has(u.doing))) ??
      // The helper at the other end says less than the xl that moves it.
      its.find((u) => u.doing !== helper) ??
      its[0] ??
      all.find((u) => u.doing === helper && u.uuid === null && comesTo.has(u.server));
    if (!one) return null;
    const what = one.doing === '' ? 'an operation' : one.doing;
    return one.ofRun
      ? {
          code: 'vm-busy',
          why: `it is busy: ${one.server} still carries out ${what}, which a run of Reeve began`,
          help: 'plan again when that has ended; `reeve apply` waits for it',
        }
      : {
          code: 'migration-under-way',
          why: `it is moving: ${what} runs on ${one.server}`,
          help: 'plan again when that has ended',
        };
  };
};
