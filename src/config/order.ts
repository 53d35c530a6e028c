/** What VMs say of each other: who starts after whom, and who was whom. */
import type { VmSpec } from '../kinds/vm/spec.ts';
import { itemsOf, lookUp, placeIn, textAt, type Found, type Layer } from './layers.ts';
import { didYouMean, type Place, type Problems } from './problem.ts';

export const checkOrder = (
  vms: readonly VmSpec[],
  layersOf: (vm: string) => readonly Layer[],
  problems: Problems,
): void => {
  const keys = vms.map((vm) => vm.key);
  const known = new Set(keys);
  const itemOf = (vm: string, other: string): Found<string> | undefined => {
    const list = lookUp(layersOf(vm), ['after']);
    return list && itemsOf(list).find((item) => item.value === other);
  };
  const hints = new Map<string, string>();
  const hint = (name: string): string => {
    const text = hints.get(name) ?? didYouMean(name, keys, 'VM');
    hints.set(name, text);
    return text;
  };
  const after = new Map<string, readonly string[]>();
  for (const vm of vms) {
    after.set(
      vm.key,
      vm.after.filter((other) => known.has(other) && other !== vm.key),
    );
    for (const other of vm.after) {
      if (known.has(other) && other !== vm.key) continue;
      const item = itemOf(vm.key, other);
      const at = item && placeIn(item);
      problems.add(
        other === vm.key
          ? {
              code: 'after-itself',
              message: `${vm.key} cannot start after itself`,
              at,
              hint: item?.layer.pointer.startsWith('/vms/')
                ? 'take it out'
                : `give ${vm.key} an \`after\` of its own, like \`after: []\``,
            }
          : {
              code: 'unknown-vm',
              message: `there is no VM ${JSON.stringify(other)}`,
              at,
              hint: hint(other),
            },
      );
    }
  }
  for (const ring of ringsOf(after)) {
    const item = itemOf(ring.at(-1) ?? '', ring[0] ?? '');
    const turned = fromFirst(ring);
    const shown = turned.length > 12 ? [...turned.slice(0, 12), '…'] : turned;
    problems.add({
      code: 'after-cycle',
      message: `VMs wait for each other in a circle: ${[...shown, turned[0]].join(' → ')}`,
      at: item && placeIn(item),
      hint: 'take `after` out of one of them',
    });
  }
  checkFormerly(vms, known, (vm) => textAt(layersOf(vm), 'formerly'), problems);
};

/** Where all name all, there are more rings than anybody reads. */
const mostRings = 50;

/** Each ring once; the last names the first. Walked without recursion: a chain may be as long as the farm. */
const ringsOf = (after: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] => {
  const rings: (readonly string[])[] = [];
  const done = new Set<string>();
  for (const start of after.keys()) {
    if (done.has(start)) continue;
    const path: { readonly key: string; next: number }[] = [{ key: start, next: 0 }];
    const on = new Map([[start, 0]]);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const other = after.get(top.key)?.[top.next++];
      if (other === undefined) {
        path.pop();
        on.delete(top.key);
        done.add(top.key);
        continue;
      }
      const at = on.get(other);
      if (at !== undefined) {
        rings.push(path.slice(at).map((p) => p.key));
        if (rings.length === mostRings) return rings;
      } else if (!done.has(other)) {
        on.set(other, path.length);
        path.push({ key: other, next: 0 });
      }
    }
  }
  return rings;
};

const fromFirst = (ring: readonly string[]): readonly string[] => {
  const first = ring.indexOf([...ring].sort()[0] ?? '');
  return [...ring.slice(first), ...ring.slice(0, first)];
};

/** One VM has one successor, and is gone from the file itself. */
const checkFormerly = (
  vms: readonly VmSpec[],
  known: ReadonlySet<string>,
  found: (vm: string) => Found<string> | undefined,
  problems: Problems,
): void => {
  const heirs = new Map<string, { readonly key: string; readonly at: Place }>();
  for (const { key, formerly } of vms) {
    const said = formerly === undefined ? undefined : found(key);
    if (formerly === undefined || !said) continue;
    const at = placeIn(said);
    const first = heirs.get(formerly);
    if (known.has(formerly)) {
      problems.add({
        code: 'formerly-there',
        message: formerly === key ? `${key} cannot be formerly itself` : `${formerly} is still a VM of the farm`,
        at,
        hint:
          formerly === key ? 'take `formerly` out' : `take ${formerly} out of the file, or \`formerly\` out of ${key}`,
      });
    } else if (first) {
      problems.add({
        code: 'formerly-twice',
        message: `${first.key} and ${key} were both formerly ${formerly}`,
        at,
        hint: 'one VM is renamed to one',
        related: [{ message: `${first.key} says so here`, at: first.at }],
      });
    } else heirs.set(formerly, { key, at });
  }
};
