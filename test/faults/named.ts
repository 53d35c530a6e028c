/** What may differ after a fault from a run without one, by name; and what is known to go wrong and waits to be mended. */
import type { Undisturbed } from './explore.ts';
import type { FaultAt } from './link.ts';

const isDown = ({ fault }: FaultAt): boolean => fault.is === 'reboot' || fault.is === 'power';

interface Named {
  readonly name: string;
  /** Whether it accounts for this one of the things that are not as they were without the fault. */
  readonly covers: (wrong: string, at: FaultAt, u: Undisturbed, all: readonly string[]) => boolean;
}

/** Each is what a rule of Reeve's costs. */
const differencesByName: readonly Named[] = [
  {
    name: 'a disk that was made whole, and not given to its VM, stays with its marker until it is named to be deleted',
    covers: (wrong) => /^has besides (?:\S+ ){0,2}\S*-\*(?:\.raw|\.qcow2)?(?:\.reeve\.json)? #\d+: /.test(wrong),
  },
  {
    name: 'a dom0 that went down has its VMs started, and not moved alive: other keys for migrations are made, or none',
    covers: (wrong, at) => isDown(at) && /reeve-migration|migration_hosts|\/root\/\.ssh/.test(wrong),
  },
  {
    name: 'a key for migrations whose making was cut is made anew, and a run of the file as it was makes those for the way back',
    covers: (wrong, at) =>
      !isDown(at) && /^(?:(?:has besides|lacks) )?\S*(?:reeve-migration|migration_hosts|\/root\/\.ssh)/.test(wrong),
  },
  {
    name: 'a VM whose xl was killed while it was suspended stands still, and is left to a person',
    covers: (wrong, { fault }, _, all) =>
      fault.is === 'death' && !harm.test(wrong) && all.some((w) => /^refused: [^]* stands still on /.test(w)),
  },
  {
    name: 'a VM that went down is started where it is to be, and not suspended: no folder for its memory is made',
    covers: (wrong) => /^lacks \S+\/suspended\/$/.test(wrong),
  },
  {
    name: 'a restart that failed on the way goes back to the old cfg, and is done by the next run: one boot more',
    covers: (wrong, { fault }, u) =>
      wrong.startsWith('booted 2 times, and not 1:') && (fault.is === 'death' || fault.is === 'gone') && u.restarts,
  },
  {
    name: 'a VM that a person started meanwhile is paused within its budget only',
    covers: (wrong, _, u, all) =>
      u.scenario.name === 'create a paused one' &&
      /^refused: a would be paused|^\S+ domain a is …"running/.test(wrong) &&
      all.some((w) => w.startsWith('refused: a would be paused')),
  },
  {
    name: 'a suspend during which the server went down leaves its half image until that VM is suspended again',
    covers: (wrong, at) => isDown(at) && /^has besides \S+\/suspended\/[0-9a-f-]+\.save\.part\//.test(wrong),
  },
  {
    name: 'a disk that a run of the file as it was moves back leaves one old copy more, and its VM remembers it',
    covers: (wrong, _, u) =>
      u.scenario.name.startsWith('move a disk') &&
      /^\S+\/web\.cfg is …"[^…]*\\":\[\\"[^\]]*\\",\\"[^\]]*\\"\]/.test(wrong),
  },
  {
    name: 'a server that its former farm took back meanwhile is that farm’s, and this one is refused',
    covers: (wrong, _, u, all) =>
      u.scenario.name === 'take over' &&
      !harm.test(wrong) &&
      all.some((w) => w.endsWith('it belongs to pool g of farm g')),
  },
];

interface Open {
  readonly name: string;
  readonly scenarios: RegExp;
  readonly shows: RegExp;
}

/** Each is a bug that waits to be mended. */
const open: readonly Open[] = [
  {
    name: 'an interrupted deletion, or the old copy of a moved disk, is forgotten',
    scenarios: /delete with|move a disk/,
    shows: /^has besides \S+ ?\S*web-xvd/,
  },
];

/** What no name of a difference excuses. */
const harm = /runs twice|is written by|wrote last is lost|disk \S+ is gone|did not come about/;

export interface Sorted {
  /** Names of differences. */
  readonly named: readonly string[];
  /** The bug that it is, where that is known. */
  readonly open: string | null;
  /** What nobody has a name for. */
  readonly wrong: readonly string[];
}

export const sortOut = (
  { at, wrong }: { readonly at: FaultAt; readonly wrong: readonly string[] },
  u: Undisturbed,
): Sorted => {
  const named = new Set<string>();
  const rest = wrong.filter((w) => {
    const usual = differencesByName.find((n) => n.covers(w, at, u, wrong));
    if (usual) named.add(usual.name);
    return !usual;
  });
  const bug = rest.some((w) => harm.test(w))
    ? undefined
    : open.find((o) => o.scenarios.test(u.scenario.name) && rest.some((w) => o.shows.test(w)));
  return { named: [...named], open: bug?.name ?? null, wrong: bug ? [] : rest };
};
