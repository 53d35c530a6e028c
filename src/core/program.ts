/** What a command line is shown as: its arguments may hold a password, and nobody else's business. */

/** `xl migrate`, `wget`: the program, and of xl the verb. */
export const programOf = (words: readonly string[]): string => {
  const [program = '', verb = ''] = words;
  const name = program.slice(program.lastIndexOf('/') + 1);
  return name === 'xl' && /^[a-z][a-z-]*$/.test(verb) ? `xl ${verb}` : name;
};
