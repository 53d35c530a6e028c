/** What cloud-init is to read: texts, maps written out as YAML, or references that are resolved late. */
import { stringify } from 'yaml';
import type { CloudInit, SeedText } from '../kinds/vm/spec.ts';
import { refuse, type Around } from './around.ts';
import { lookUp, placeIn, type Found, type Layer } from './layers.ts';
import { badReference } from './words.ts';

/** A text that is nothing else than one. */
const reference = /^\$\{(?:env|file):[^}]*\}$/;

const partOf = (found: Found<unknown> | undefined, heading: string, { problems }: Around): SeedText | null => {
  if (!found) return null;
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
  const seed: CloudInit = {
    userData: partOf(at('userData'), '#cloud-config\n', around),
    metaData: partOf(at('metaData'), '', around),
    networkConfig: partOf(at('networkConfig'), '', around),
  };
  if (seed.userData ?? seed.metaData ?? seed.networkConfig) {
    // cloud-init tells what it is given by its first line, and passes over what it does not know.
    const user = seed.userData;
    if (user && 'text' in user && !/^(?:#|Content-Type:|MIME-Version:|\n*$)/.test(user.text)) {
      around.problems.add({
        code: 'bad-value',
        message: `userData of ${key} begins with neither \`#cloud-config\` nor \`#!\``,
        at: placeIn(at('userData') ?? whole),
        hint: 'cloud-init tells by the first line what it is given, and passes over the rest: write a map, or begin with #cloud-config',
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
