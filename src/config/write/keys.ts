/** The key of each VM that was found: its name where that may be a key, else one that is like it. */
import { badName } from '../../core/name.ts';

const longest = 60;

const likeIt = (name: string): string => {
  const plain = name
    .replaceAll(/[^A-Za-z0-9._+-]+/g, '-')
    .replaceAll(/\.{2,}/g, '.')
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/[^A-Za-z0-9]+$/, '')
    .slice(0, longest);
  return badName(plain, 'VM') === null ? plain : `vm-${plain}`.replace(/-$/, '');
};

/** `taken` grows by it. Two that come to the same are told apart by a number. */
export const keyFor = (name: string, taken: Set<string>): string => {
  const key = badName(name, 'VM') === null ? name : likeIt(name);
  let free = key;
  for (let n = 2; taken.has(free); n += 1) free = `${key}-${n}`;
  taken.add(free);
  return free;
};
