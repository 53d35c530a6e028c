/** YAML files → the farm that they describe, or all that is wrong with them, each at its file, line and column. */
import type { Diagnostic, Origin, Position } from '../core/diagnostic.ts';
import type { Farm } from '../kinds/farm.ts';
import { findFiles } from './files.ts';
import type { ConfigIo } from './io.ts';
import { locate, locateAll } from './locate.ts';
import { collector } from './problem.ts';
import { checkReferences } from './references.ts';
import { originOfField, resolveFarm } from './resolve.ts';
import { checkShape } from './shape.ts';
import { withSizes } from './sizes.ts';
import { parseSource, type Source } from './source.ts';

export type { ConfigIo } from './io.ts';

/** Where the values of a farm come from, for what is said of them later. */
export interface Places {
  /** Of a VM's field (`memory.target`, `disks.xvda.path`), with the profiles that it came through; of the VM without one. */
  origin(vm: string, field?: string): Origin | undefined;
  /** The line of an origin. Parses its file once more. */
  position(origin: Origin): Position | undefined;
}

export type Loaded =
  | {
      readonly ok: true;
      readonly farm: Farm;
      readonly warnings: readonly Diagnostic[];
      readonly places: Places;
      /** What it was made of. */
      readonly sources: readonly Source[];
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** `paths`: files and folders; none: `farm.yaml` or `farm/`. Never rejects for what the files hold. */
export const loadFarm = async (paths: readonly string[], io: ConfigIo): Promise<Loaded> => {
  const { files, problems } = await findFiles(paths, io);
  const told = collector();
  problems.forEach(told.add);
  const texts = new Map<string, string>();
  const sources: Source[] = [];
  let whole = problems.every((p) => p.severity === 'warning');
  for (const file of files) {
    const bytes = await io.read(file);
    if ('failed' in bytes) {
      told.add({ code: 'unreadable-file', message: `${file} cannot be read: ${bytes.failed}` });
      whole = false;
      continue;
    }
    const parsed = parseSource(file, bytes);
    if (parsed.ok) {
      sources.push(parsed.source);
      texts.set(file, parsed.source.text);
    } else {
      parsed.problems.forEach(told.add);
      whole = false;
    }
  }
  const spoiled = new Set<string>();
  for (const source of sources) {
    const shape = checkShape(source);
    [...shape.problems, ...checkReferences(source)].forEach(told.add);
    for (const pointer of shape.spoiled) spoiled.add(`${source.file}\n${pointer}`);
  }
  // What a file that could not be read may define cannot be called unknown.
  const resolved = whole ? resolveFarm(sources, (file, pointer) => spoiled.has(`${file}\n${pointer}`), told) : null;
  const diagnostics = locate(told.all, texts);
  if (!resolved || diagnostics.some((d) => d.severity === 'error')) return { ok: false, diagnostics };
  const { layers } = resolved;
  const farm = await withSizes(resolved.farm, io);
  const places: Places = {
    origin(vm, field) {
      const own = layers.get(vm);
      return own && originOfField(own, field === undefined ? [] : field.split('.'));
    },
    position({ file, pointer }) {
      const text = texts.get(file);
      return text === undefined ? undefined : locateAll(file, text, [pointer])({ file, pointer });
    },
  };
  return { ok: true, farm, warnings: diagnostics, places, sources };
};
