/** What cloud-init is to read: texts, maps written out as YAML, or references that are resolved late. */
import { stringify } from 'yaml';
import type { CloudInit, SeedText } from '../kinds/vm/spec.ts';
import { inlineText } from '../kinds/written.ts';
import { refuse, type Around } from './around.ts';
import { lookUp, placeIn, type Found, type Layer } from './layers.ts';
import { badReference } from './words.ts';

/** A text that is nothing else than one. */
const reference = /^\$\{(?:env|file):[^}]*\}$/;

/** What the file says; undefined: nothing. */
const partOf = (
  found: Found<unknown> | undefined,
  heading: string,
  { problems }: Around,
): { readonly text: string } | { readonly secret: string } | undefined => {
  if (!found) return undefined;
  const { value } = found;
  if (typeof value !== 'string') return { text: `${heading}${stringify(value)}` };
  if (!reference.test(value)) return { text: value };
  refuse(problems, 'a reference', { ...found, value }, badReference);
  return { secret: value };
};

/** The nearest layer's value counts for each of the three; maps are not merged. */
export const cloudInitOf = (key: string, layers: readonly Layer[], around: Around): CloudInit | undefined => {
  const whole = lookUp(layers, ['cloudInit']);
  if (!whole) return undefined;
  const at = (part: string): Found<unknown> | undefined => lookUp(layers, ['cloudInit', part]);
  const user = partOf(at('userData'), '#cloud-config\n', around);
  const kept = (part: keyof CloudInit, said: ReturnType<typeof partOf>): SeedText | null => {
    if (!said || 'secret' in said) return said ?? null;
    around.written.set(inlineText(key, part), said.text);
    return { inline: true };
  };
  const seed: CloudInit = {
    userData: kept('userData', user),
    metaData: kept('metaData', partOf(at('metaData'), '', around)),
    networkConfig: kept('networkConfig', partOf(at('networkConfig'), '', around)),
  };
  if (seed.userData ?? seed.metaData ?? seed.networkConfig) {
    // cloud-init tells what it is given by its first line, and passes over what it does not know.
    if (user && 'text' in user && !/^(?:#|Content-Type:|MIME-Version:|\n*$)/.test(user.text)) {
      around.problems.add({
        code: 'bad-value',
        message: `userData of ${key} begins with neither \`#cloud-config\` nor \`#!\``,
        at: placeIn(at('userData') ?? whole),
        hint: 'cloud-init tells by the first line what it is given, and passes over the rest: write a map, or begin with #cloud-config',
        conceal: true,
      });
    }
    return seed;
  }
  around.problems.add({
    code: 'missing-key',
    message: `cloudInit of ${key} says nothing`,
    at: placeIn(whole, 'key'),
    hint: 'give it `userData`, `metaData` or `networkConfig`, or take it out',
  });
  return undefined;
};
