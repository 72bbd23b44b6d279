"""The one way out to anything but Insightly: webhooks and e-mail, through an outbox."""
