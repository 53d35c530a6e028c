/** Options and paths as a person pastes them into a shell. */
const plain = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** As it stands where a shell leaves it alone; else in single quotes. */
export const shellWord = (text: string): string =>
  plain.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** `--target 'web-*'` */
export const option = (name: string, value: string): string => `${name} ${shellWord(value)}`;
