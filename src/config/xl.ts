/** `xl`: keys of xl.cfg that Reeve has no word for, with values as a cfg can hold them. */
import type { CfgValue } from '../kinds/vm/spec.ts';
import { ownedXlKeys } from '../kinds/vm/xl-keys.ts';
import { refusePassword } from './around.ts';
import { keysAt, lookUp, placeIn, type Found, type Layer } from './layers.ts';
import type { Problems } from './problem.ts';
import { badCmdline } from './words.ts';
import { table } from '../core/table.ts';

const inCfg = 'put a reference in its place, like vncpasswd=${env:VNC_PASSWORD}';

const keyForm = /^[a-z][._0-9a-z]*$/;

/** By key, sorted by nothing; undefined: no layer has an `xl`. */
export const xlOf = (layers: readonly Layer[], problems: Problems): Readonly<Record<string, CfgValue>> | undefined => {
  const keys = keysAt(layers, 'xl');
  if (!keys) return undefined;
  const all: [string, CfgValue][] = [];
  for (const key of keys) {
    const found = lookUp(layers, ['xl', key]);
    if (!found || !mayBeKey(key, found, problems)) continue;
    if (refusePassword(problems, `xl.${key}`, found, inCfg)) continue;
    const value = valueOf(found, problems);
    if (value !== undefined) all.push([key, value]);
  }
  return table(all);
};

const mayBeKey = (key: string, found: Found<unknown>, problems: Problems): boolean => {
  const at = placeIn(found, 'key');
  const word = Object.hasOwn(ownedXlKeys, key) ? ownedXlKeys[key] : undefined;
  if (word !== undefined) {
    problems.add({
      code: 'owned-key',
      message: `xl.${key} is not passed through: Reeve has a word for it`,
      at,
      hint: `use \`${word}\``,
      conceal: key.endsWith('passwd'),
    });
  } else if (!keyForm.test(key)) {
    problems.add({
      code: 'bad-name',
      message: `${JSON.stringify(key)} is no key of an xl.cfg`,
      at,
      hint: 'a key is lower-case letters, digits, "." and "_", and begins with a letter',
    });
  } else return true;
  return false;
};

/** Why a value cannot be written, or what it is in a cfg: texts, and lists of them. */
const cfgValue = (value: unknown): CfgValue | { readonly why: string } => {
  if (typeof value === 'string') {
    const why = badCmdline(value);
    return why === null ? value : { why };
  }
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return { why: 'it is no number of a cfg' };
    return Number.isInteger(value) && !Number.isSafeInteger(value)
      ? { why: 'a number as large as this loses digits: put it in quotes' }
      : String(value);
  }
  return value === null
    ? { why: 'give it a value, or take the key out' }
    : { why: 'a cfg holds texts, numbers and lists of them, like ["01:00.0"]' };
};

const valueOf = (found: Found<unknown>, problems: Problems): CfgValue | undefined => {
  if (Array.isArray(found.value)) {
    const items = found.value.map((value: unknown, i) =>
      valueOf({ value, layer: found.layer, path: [...found.path, i] }, problems),
    );
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  const value = cfgValue(found.value);
  if (typeof value === 'string') return value;
  const why = 'why' in value ? value.why : '';
  const { value: bad } = found;
  const shown =
    bad === null
      ? 'empty'
      : typeof bad === 'object'
        ? 'a map'
        : typeof bad === 'number'
          ? String(bad)
          : JSON.stringify(bad);
  problems.add({
    code: 'bad-value',
    message: `${found.path.join('.')} cannot be ${shown}`,
    at: placeIn(found),
    hint: why,
  });
  return undefined;
};
