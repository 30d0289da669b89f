"""Money in and out: deposits, withdrawals from the first wish to the provider's word, and what is taken back."""

from portfolios.services.payments.approvals import withdrawal_approve, withdrawal_refuse
from portfolios.services.payments.asking import checked_amount
from portfolios.services.payments.deposits import deposit, deposit_page_open, deposits_expire, deposits_follow
from portfolios.services.payments.destinations import destination_add, destination_remove
from portfolios.services.payments.events import event_receive
from portfolios.services.payments.sending import withdrawals_expire, withdrawals_follow, withdrawals_send
from portfolios.services.payments.withdrawals import withdraw, withdrawal_cancel

__all__ = [
    "checked_amount",
    "deposit",
    "deposit_page_open",
    "deposits_expire",
    "deposits_follow",
    "destination_add",
    "destination_remove",
    "event_receive",
    "withdraw",
    "withdrawal_approve",
    "withdrawal_cancel",
    "withdrawal_refuse",
    "withdrawals_expire",
    "withdrawals_follow",
    "withdrawals_send",
]
