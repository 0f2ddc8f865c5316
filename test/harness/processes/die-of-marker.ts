// Preloaded (`--import`) into a fetcher and whatever it starts: a text with the marker kills the process that parses it, as a
// bug in a parser would. It parses nothing else of what a publisher serves, and nothing in it can be caught.
const MARKER = 'kill-whoever-parses-this'
const { parse } = JSON

JSON.parse = (text: string, reviver?: Parameters<typeof parse>[1]) => {
  if (String(text).includes(MARKER)) process.kill(process.pid, 'SIGKILL')
  return parse(text, reviver)
}
