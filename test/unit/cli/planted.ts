/** Secrets that are planted, and what shows them. */
import { digestOf, digestText } from '../../../src/core/digest.ts';

/** As it is, and in what it may be wrapped up. */
const forms = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    // The last group depends on what follows.
    bytes.toString('base64').replace(/..?=*$/, ''),
    bytes.toString('base64url').replace(/..?$/, ''),
    bytes.toString('hex'),
    digestText(secret),
    digestText(`${secret}\n`),
    digestOf(secret),
  ];
};

/** Of a text: the secrets that it shows, in whatever form. */
export const finder = (secrets: readonly string[]): ((text: string) => readonly string[]) => {
  const words = secrets.flatMap(forms);
  return (text) => {
    const low = text.toLowerCase();
    return words.filter((w) => low.includes(w.toLowerCase()));
  };
};
