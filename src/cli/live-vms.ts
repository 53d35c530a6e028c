/** The VMs that a reading shows and the file does not have → what `import` writes of each, and why some cannot be written. */
import type { Found as FoundVm, Missing } from '../config/write/index.ts';
import { groupBy, sortedBy } from '../core/order.ts';
import type { Farm } from '../kinds/farm.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import type { Domain } from '../kinds/vm/live.ts';
import { configOfDomain } from '../kinds/vm/resolve.ts';
import type { VmSpec, VmState } from '../kinds/vm/spec.ts';
import { match, type Found } from '../plan/index.ts';

const stateOf = (domain: Domain | null): VmState => {
  if (domain === null) return 'stopped';
  return domain.state === 'paused' ? 'paused' : 'running';
};

/** One of each VM: what runs, then what a marker is newest of. */
const firstOfEach = (left: readonly Found[]): readonly Found[] => {
  const ranked = [...left].sort(
    (a, b) =>
      Number(b.live.domain !== null) - Number(a.live.domain !== null) ||
      (b.marker?.generation ?? -1) - (a.marker?.generation ?? -1) ||
      b.standing - a.standing,
  );
  const whole = groupBy(ranked, (f) => f.uuid ?? `${f.pool}\n${f.name}`);
  return sortedBy(
    [...whole.values()].flatMap(([first]) => (first ? [first] : [])),
    (f) => `${f.name}\n${f.server}`,
  );
};

/** Devices of the server itself, which no other has. */
const isHeld = ({ config: { extra } }: Pick<FoundVm, 'config'>): boolean =>
  extra.some(({ key, value }) => key === 'pci' && value.length > 0);

/** Paths that more than one of them writes while they run. */
const sharedPaths = (all: readonly Found[]): ReadonlySet<string> => {
  const uses = all.flatMap(({ live: { domain } }) =>
    (domain?.disks ?? []).flatMap((d) => (d.access === 'rw' ? [d.path] : [])),
  );
  return new Set(uses.filter((path, i) => uses.indexOf(path) !== i));
};

/** Files that should be cfgs, and of which nobody can tell what they say. */
const unreadIn = (observed: Observed): readonly Missing[] =>
  [...observed.keys()].flatMap((server) =>
    (seenOn(observed, server)?.records ?? []).flatMap(({ path, config, problem }) =>
      config
        ? []
        : [
            {
              name: path.slice(path.lastIndexOf('/') + 1),
              from: server,
              code: 'cfg-unreadable' as const,
              why: problem ?? 'it is no cfg',
            },
          ],
    ),
  );

/** `plain`: a VM of a file that says nothing of it. */
export const vmsIn = (
  farm: Farm,
  observed: Observed,
  plain: VmSpec,
): { readonly found: readonly FoundVm[]; readonly left: readonly Missing[] } => {
  const all = firstOfEach(match(farm, observed, []).left);
  const specs = all.map(({ name, uuid, pool }, i) => ({ ...plain, key: `${i}`, name, uuid: uuid ?? undefined, pool }));
  const { of } = match({ ...farm, vms: [...farm.vms, ...specs] }, observed, []);
  const shared = sharedPaths(all);
  const found: FoundVm[] = [];
  const left: Missing[] = [];
  for (const [i, f] of all.entries()) {
    const chosen = of.get(`${i}`);
    const place = { name: f.name, from: f.server };
    // Its marker names another key than this stand-in has.
    const own = f.marker?.farm === farm.name;
    if (f.marker && !own) {
      left.push({ ...place, code: 'foreign-vm', why: `it belongs to farm ${f.marker.farm}` });
      continue;
    }
    if (chosen?.is === 'refused' && !(own && chosen.code === 'another-vm')) {
      left.push({ ...place, code: chosen.code, why: chosen.why.replace(/^\d+ was/, 'it was') });
      continue;
    }
    const { live, server } = chosen?.is === 'matched' ? chosen.found : f;
    const config =
      live.record?.config ?? live.stray?.record.config ?? (live.domain ? configOfDomain(live.domain) : null);
    if (config === null) {
      left.push({ ...place, code: 'cfg-unreadable', why: live.record?.problem ?? 'it has no cfg' });
      continue;
    }
    const vm = {
      config: { ...config, uuid: config.uuid ?? live.domain?.uuid ?? null },
      state: stateOf(live.domain),
      autostart: live.record ? live.record.autostart.length > 0 : null,
      called: own ? f.marker?.vm : undefined,
      pool: farm.pools.length > 1 ? f.pool : undefined,
      shared: new Set(Object.entries(config.disks).flatMap(([vdev, d]) => (shared.has(d.path) ? [vdev] : []))),
      from: server,
    };
    found.push({ ...vm, server: isHeld(vm) ? server : undefined });
  }
  return { found, left: [...left, ...unreadIn(observed)] };
};
