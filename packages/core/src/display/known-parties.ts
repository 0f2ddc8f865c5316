/** Somebody widely used: all hosts of the same hands, and the names of their products. */
export type KnownParty = { readonly hosts: readonly string[]; readonly names: readonly string[] }

/**
 * What an impostor is likely to pretend to be on a consent page: clients of MCP and AI, identity providers,
 * code hosts, mail, and where money is. It serves as an alarm only: whoever is on it is trusted no more than
 * others, and it is short so that everybody can read it. Names that others give their products as well, such
 * as Confluence, are left out. A deployment gives its own list, with its customers' hosts, in its place or
 * added to it.
 */
export const DEFAULT_KNOWN_PARTIES: readonly KnownParty[] = [
  { hosts: ['claude.ai', 'claude.com', 'anthropic.com'], names: ['Claude', 'Claude Code', 'Anthropic'] },
  { hosts: ['chatgpt.com', 'openai.com'], names: ['ChatGPT', 'OpenAI', 'Codex'] },
  { hosts: ['google.com', 'withgoogle.com', 'youtube.com'], names: ['Google', 'Gmail'] },
  {
    hosts: [
      'microsoft.com',
      'microsoftonline.com',
      'office.com',
      'live.com',
      'azure.com',
      'visualstudio.com',
    ],
    names: ['Microsoft', 'Microsoft 365', 'Microsoft Copilot', 'Azure'],
  },
  {
    hosts: ['vscode.dev', 'visualstudio.com', 'microsoft.com'],
    names: ['Visual Studio Code', 'VS Code', 'VSCode'],
  },
  { hosts: ['github.com', 'github.dev', 'microsoft.com'], names: ['GitHub', 'GitHub Copilot'] },
  { hosts: ['gitlab.com'], names: ['GitLab'] },
  { hosts: ['apple.com', 'icloud.com'], names: ['Apple', 'iCloud'] },
  { hosts: ['amazon.com', 'amazonaws.com'], names: ['Amazon', 'AWS'] },
  { hosts: ['facebook.com', 'meta.com', 'instagram.com', 'whatsapp.com'], names: ['Facebook', 'WhatsApp'] },
  { hosts: ['cursor.com', 'cursor.sh'], names: ['Cursor'] },
  { hosts: ['zed.dev'], names: ['Zed'] },
  { hosts: ['opencode.ai'], names: ['opencode'] },
  { hosts: ['goose-docs.ai'], names: [] },
  { hosts: ['perplexity.ai'], names: ['Perplexity'] },
  { hosts: ['mistral.ai'], names: ['Mistral AI', 'Le Chat'] },
  { hosts: ['modelcontextprotocol.io'], names: ['Model Context Protocol'] },
  { hosts: ['okta.com', 'auth0.com'], names: ['Okta', 'Auth0'] },
  { hosts: ['onelogin.com'], names: ['OneLogin'] },
  { hosts: ['cloudflare.com'], names: ['Cloudflare'] },
  { hosts: ['vercel.com', 'v0.dev', 'v0.app'], names: ['Vercel'] },
  { hosts: ['slack.com', 'salesforce.com'], names: ['Slack', 'Salesforce'] },
  { hosts: ['notion.so', 'notion.com'], names: ['Notion'] },
  { hosts: ['atlassian.com', 'atlassian.net'], names: ['Atlassian', 'Jira'] },
  { hosts: ['dropbox.com'], names: ['Dropbox'] },
  { hosts: ['bsky.app', 'bsky.social'], names: ['Bluesky'] },
  { hosts: ['paypal.com', 'paypal.me'], names: ['PayPal'] },
  { hosts: ['stripe.com', 'stripe.dev'], names: ['Stripe'] },
  { hosts: ['revolut.com'], names: ['Revolut'] },
  { hosts: ['wise.com'], names: [] },
  { hosts: ['coinbase.com'], names: ['Coinbase'] },
  { hosts: ['binance.com'], names: ['Binance'] },
]
