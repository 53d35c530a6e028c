/** Which files a farm is read from: the given ones, the YAML files of the given folders, or `farm.yaml` or `farm/`. */
import { andMore } from '../core/listing.ts';
import { byText } from '../core/order.ts';
import type { ConfigIo } from './io.ts';
import { nearest, type Problem } from './problem.ts';
import { largestFile, tooLarge } from './source.ts';

const yamlName = /\.ya?ml$/i;

export interface Files {
  /** Each once; those of a folder sorted. */
  readonly files: readonly string[];
  readonly problems: readonly Problem[];
}

interface Folder {
  readonly path: string;
  readonly names: readonly string[];
}

/** How deep YAML files are looked for that nobody reads, and how many of them are named. */
const deepest = 3;
const mostNamed = 3;

/** YAML files in the folders of a folder, sorted by folder. */
const yamlBelow = async ({ path, names }: Folder, io: ConfigIo, depth = 1): Promise<readonly string[]> => {
  const out: string[] = [];
  for (const name of names.filter((n) => !n.startsWith('.') && !yamlName.test(n)).sort(byText)) {
    const below = await io.look(`${path}/${name}`);
    if (below.is !== 'folder') continue;
    const inside = { path: `${path}/${name}`, names: below.names };
    const files = inside.names.filter((n) => yamlName.test(n) && !n.startsWith('.')).sort(byText);
    out.push(...files.map((n) => `${inside.path}/${n}`));
    if (depth < deepest) out.push(...(await yamlBelow(inside, io, depth + 1)));
  }
  return out;
};

/** VMs that stand in such a file would look as if they had left the farm. */
const passedOver = (found: readonly string[], read: ReadonlySet<string>): Problem | null => {
  const unread = found.filter((f) => !read.has(f));
  if (unread.length === 0) return null;
  const are = unread.length === 1 ? 'is' : 'are';
  return {
    severity: 'warning',
    code: 'file-not-read',
    message: `${andMore(unread, mostNamed)} ${are} not read: folders in a folder are passed over`,
  };
};

export const findFiles = async (paths: readonly string[], io: ConfigIo): Promise<Files> => {
  const files = new Set<string>();
  const problems: Problem[] = [];
  const folders: Folder[] = [];
  const add = async (given: string): Promise<void> => {
    // So that one file under two spellings is one file.
    const path = given.replace(/^(\.\/+)+(?=.)/, '').replace(/(?<=.)\/+$/, '');
    const found = await io.look(path);
    switch (found.is) {
      case 'file':
        if (found.size > largestFile) problems.push(tooLarge(path, found.size));
        else files.add(path);
        return;
      case 'folder': {
        const names = found.names.filter((n) => yamlName.test(n) && !n.startsWith('.')).sort(byText);
        if (names.length === 0) {
          problems.push({
            code: 'no-files',
            message: `the folder ${path} holds no YAML file`,
            hint: 'files named *.yaml or *.yml are read; folders in it are not',
          });
        }
        for (const name of names) await add(`${path}/${name}`);
        if (names.length > 0) folders.push({ path, names: found.names });
        return;
      }
      case 'missing':
        problems.push({ code: 'no-such-file', message: `there is no ${path}`, hint: await neighbour(path, io) });
        return;
      case 'failed':
        problems.push({ code: 'unreadable-file', message: `${path} cannot be read: ${found.why}` });
        return;
      default:
        found satisfies never;
    }
  };
  for (const path of paths.length > 0 ? paths : await usual(io, problems)) await add(path);
  for (const folder of folders) {
    const unread = passedOver(await yamlBelow(folder, io), files);
    if (unread) problems.push({ ...unread, hint: `name its folder, too, or move the file into ${folder.path}` });
  }
  return { files: [...files], problems };
};

const usual = async (io: ConfigIo, problems: Problem[]): Promise<readonly string[]> => {
  const [file, folder] = [await io.look('farm.yaml'), await io.look('farm')];
  if (file.is !== 'missing' && folder.is === 'folder') {
    problems.push({
      code: 'which-farm',
      message: 'both farm.yaml and farm/ are here',
      hint: 'name the one that is meant, or both',
    });
    return [];
  }
  if (file.is !== 'missing') return ['farm.yaml'];
  if (folder.is === 'folder') return ['farm'];
  problems.push({
    code: 'no-such-file',
    message: 'there is neither farm.yaml nor farm/ here',
    hint: 'name the file or folder that describes the farm',
  });
  return [];
};

const neighbour = async (path: string, io: ConfigIo): Promise<string | undefined> => {
  const slash = path.lastIndexOf('/');
  const folder = slash === -1 ? '.' : path.slice(0, slash) || '/';
  const around = await io.look(folder);
  if (around.is !== 'folder') return undefined;
  const near = nearest(path.slice(slash + 1), around.names);
  return near === undefined ? undefined : `did you mean ${path.slice(0, slash + 1)}${near}?`;
};
